"""Delivery to the sink, and what happens when the sink is blocked: journald's queue is full, or journald is stopped.

1. deliver() returns False. The caller leaves the datagram in the queue of its socket. No queue is looked at until the
   sink takes entries again (`daemon.loop`). When the queue of the datagram's socket is full too, senders wait.
2. The loop waits for what `watch` gives it: a descriptor if the kernel can report that the sink is back (journald's
   queue has room), else a time. So waiting needs no CPU time, and nothing is lost.
3. An outage is logged once after 1 s and once at recovery.

Times are seconds of a monotonic clock.
"""

import math
import select
from collections.abc import Iterable

from udsd.journal.entry import Entry
from udsd.journal.log import OUTPUT_FAILED, SINK_AWAY, SINK_BACK, Log
from udsd.journal.sink import BusyError, Lost, Sink

_FIRST_RETRY, _RETRY = 0.005, 1.0  # seconds between tries without a descriptor: the longer the outage, the rarer
_MENTION = 1.0  # seconds before an outage is logged: a queue that is full for a moment is normal


class Delivery:
    """Delivers entries to `sink`; `ready` delivers udsd's own messages in `log`."""

    def __init__(self, sink: Sink, log: Log) -> None:
        self._sink = sink
        self.log = log
        self._busy: BusyError | None = None
        self._since = 0.0
        self._waited = 0.0
        self.waits = 0  # times that the sink did not take an entry
        self._mentioned = False

    @property
    def blocked_since(self) -> float | None:
        """The time at which the sink began to refuse entries; None while it takes them."""
        return None if self._busy is None else self._since

    @property
    def complaint(self) -> str:
        """For the status: what udsd is waiting for. Empty if the sink takes entries."""
        return f"waiting for {self._sink.name} ({self._busy})" if self._mentioned else ""

    def waited(self, now: float) -> float:
        """The total seconds of all outages."""
        return self._waited + (0 if self._busy is None else now - self._since)

    def ready(self, now: float, *, look: bool = False) -> bool:
        """Whether entries can be delivered now. Delivers udsd's own waiting messages. Call it at each turn of the loop.

        `look`: check the sink even if no check is due.
        """
        if look or self._busy is not None or now >= self._sink.due():
            try:
                self._sink.check(now)
            except BusyError as busy:
                self._block(busy, now)
                self._mention(now)
                return False
            self._unblock(now)
        while self.log.waiting:
            entry, stored = self.log.waiting[0]
            if not self.deliver(entry, now):
                return False
            self.log.waiting.popleft()
            if stored:
                stored()
        return True

    def deliver(self, entry: Entry, now: float, origin: object = None) -> bool:
        """Deliver one entry. False if the sink did not take it; then the caller still has it and delivers it again.

        `origin` comes back with the entry if the sink loses it later; see `take_lost`.
        """
        try:
            self._sink.deliver(entry, origin)
        except BusyError as busy:
            self._block(busy, now)
            return False
        return True

    def watch(self, poll: select.poll, now: float) -> float:
        """Register with `poll` the descriptor that shows when to try again. Returns the latest time to try again."""
        if self._busy is None:
            return self._sink.due()
        due = math.inf if self._mentioned else self._since + _MENTION
        if self._busy.writable is None:
            return min(due, now + min(_RETRY, max(_FIRST_RETRY, (now - self._since) / 4)))
        poll.register(self._busy.writable, select.POLLOUT)
        return due

    def reopen(self) -> None:
        """Have the sink open its file again."""
        try:
            self._sink.reopen()
        except OSError as error:
            self.log.say(OUTPUT_FAILED, f"{self._sink.name}: {error.strerror}; udsd goes on with the old file")

    def take_lost(self) -> Iterable[Lost]:
        """Give the caller the entries that the sink took, lost, and could not deliver again."""
        return self._sink.take_lost()

    def _block(self, busy: BusyError, now: float) -> None:
        if self._busy is None:
            self._since = now
            self.waits += 1
        self._busy = busy

    def _unblock(self, now: float) -> None:
        if self._busy is not None:
            self._waited += now - self._since
        self._busy = None
        if self._mentioned:
            self._mentioned = False
            self.log.say(SINK_BACK, f"{self._sink.name} takes entries again after {now - self._since:.1f} s")

    def _mention(self, now: float) -> None:
        if not self._mentioned and now >= self._since + _MENTION:
            self._mentioned = True
            self.log.say(
                SINK_AWAY,
                f"{self._sink.name} takes no entries ({self._busy}): datagrams stay queued, senders may have to wait",
            )
