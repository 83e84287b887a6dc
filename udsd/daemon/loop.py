"""The loop: wait, take datagrams, then do everything else.

1. Every event is a descriptor or a deadline of one poll(2). An idle daemon sleeps.
2. While the sink is blocked, no queue is looked at: datagrams stay queued, and a full queue makes its senders wait.
3. After a wake-up, datagrams come first: a sender may live for a millisecond, and is best identified while it lives.
"""

import math
import select
import time
from collections.abc import Sequence

from udsd.daemon.journald_watch import JournaldWatch
from udsd.daemon.relay import Relay, Source
from udsd.metrics.counters import total
from udsd.metrics.reports import Reports
from udsd.service.signals import Signals
from udsd.service.watchdog import Watchdog

_LONGEST_POLL = 2**31 - 1  # milliseconds; what poll(2) takes


class Loop:
    """Relays the datagrams of `sources` until a signal or a DONE stops it."""

    def __init__(
        self,
        sources: Sequence[Source],
        relay: Relay,
        signals: Signals,
        reports: Reports,
        watchdog: Watchdog,
    ) -> None:
        self.sources = sources
        self.relay = relay
        self.delivery = relay.delivery
        self.reports = reports
        self._signals = signals
        self._watchdog = watchdog
        self._journald: JournaldWatch | None = None
        self._refused: Source | None = None  # its first datagram is the one that the sink did not take
        self._by_descriptor = {source.receiver.fileno(): source for source in sources}
        self._poll = select.poll()
        for descriptor in (signals.fileno(), *self._by_descriptor):
            self._poll.register(descriptor, select.POLLIN)

    def watch_journald(self, watch: JournaldWatch) -> None:
        """Watch for deaths of journald, too."""
        self._journald = watch
        self._poll.register(watch, select.POLLIN)

    def run(self) -> str:
        """Relay until asked to stop. Returns who asked."""
        while not self.stopped_by:
            for source in self.wait():
                if self.stopped_by:  # by a signal that came with the datagrams, or by one of them
                    break
                self.take(source)
            self.attend()
        return self.stopped_by

    @property
    def stopped_by(self) -> str:
        """Who asked to stop: a signal, or the sender of a DONE. Empty until then."""
        return self._signals.stop or self.relay.stopped_by

    def take(self, source: Source) -> bool:
        """Take datagrams off one source for a short time. False once its queue is empty."""
        left = self.relay.take(source, time.monotonic())
        self._refused = source if self.delivery.blocked_since is not None else None
        return left

    def wait(self, until: float = math.inf) -> Sequence[Source]:
        """Wait for something to do, at most until `until` (monotonic seconds). Returns the sources with datagrams."""
        blocked = self.delivery.blocked_since is not None
        poll = self._poll
        if blocked:
            poll = select.poll()
            poll.register(self._signals, select.POLLIN)
            if self._journald:
                poll.register(self._journald, select.POLLIN)
        now = time.monotonic()
        due = min(until, self.delivery.watch(poll, now), self.relay.drops.due(), self.reports.due())
        due = min(due, self._watchdog.due(self._state()), self._journald.due() if self._journald else math.inf)
        events = poll.poll(None if due == math.inf else min(_LONGEST_POLL, max(0, math.ceil((due - now) * 1000))))
        # From here to the first look at a sender, each step costs senders that end at once their names.
        found = [self._by_descriptor[descriptor] for descriptor, _ in events if descriptor in self._by_descriptor]
        if len(found) < len(events):
            self._note({descriptor for descriptor, _ in events})
        if blocked:
            # The source of the refused datagram goes first: if it is large, the others might never leave enough room.
            ready = self.delivery.ready(time.monotonic())
            return sorted(self.sources, key=lambda source: source is not self._refused) if ready else ()
        return found

    def _note(self, readable: set[int]) -> None:
        """Note signals, and that journald has died."""
        if self._signals.fileno() in readable:
            self._signals.clear()
        if self._journald and self._journald.fileno() in readable:
            self._journald.note_end(time.monotonic())

    def attend(self) -> None:
        """Do what is due: look at senders, log drops, report counters, deliver own messages, notify the manager."""
        now = time.monotonic()
        for source in self.sources:
            source.registry.catch_up(now)
        if self._signals.asked_to_reopen():
            self.delivery.reopen()
        self.relay.drops.report(now)
        self.reports.report(now, asked=self._signals.asked_for_counters())
        lost = self._journald is not None and self._journald.attend(now)
        self.delivery.ready(now, look=lost)
        self._watchdog.notify(now, self._state(), self.status)

    def status(self) -> str:
        """The state in words, for the service manager."""
        counters = total(source.counters for source in self.sources)
        busiest = self.relay.drops.accounts().words(time.monotonic(), time.time())
        return "; ".join(filter(None, (self.delivery.complaint, counters.words(), busiest)))

    def _state(self) -> object:
        return sum(source.counters.received for source in self.sources), self.delivery.complaint
