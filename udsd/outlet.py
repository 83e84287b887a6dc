"""The way to the sink, and the times in which it is blocked.

An outage is said once when it has lasted a while, and once when it is over. Until then whoever delivers is told
no, keeps what he has, and waits for what `watch` names: a descriptor where the kernel can tell that the sink
is back, else a time. So waiting costs nothing, and nothing is lost by it.

Times are seconds of a monotonic clock.
"""

import math
import select
import time

from udsd.entry import PRIORITY_INFO, PRIORITY_WARNING, Fields
from udsd.log import Log
from udsd.sink import Busy, Sink

_RETRY = 1.0  # seconds between tries where no descriptor tells
_MENTION = 1.0  # seconds before an outage is said: a full queue for an instant is daily life


class Outlet:
    """Delivers to `sink`, udsd's own messages in `log` first."""

    def __init__(self, sink: Sink, log: Log) -> None:
        self._sink = sink
        self._log = log
        self._busy: Busy | None = None
        self._since = 0.0
        self._mentioned = False

    @property
    def blocked_since(self) -> float | None:
        """When the sink began to refuse, None while it takes entries."""
        return None if self._busy is None else self._since

    @property
    def complaint(self) -> str:
        """For the status: what is being waited for; empty where all is well."""
        return f"waiting for {self._sink.name} ({self._busy})" if self._mentioned else ""

    def deliver(self, fields: Fields) -> bool:
        """Whether the sink took the entry; if not, nothing has happened to it."""
        if self._log.waiting and not self.flush():
            return False
        return self._pass(fields)

    def flush(self) -> bool:
        """Deliver udsd's own messages; whether all of them are through."""
        waiting = self._log.waiting
        while waiting:
            if not self._pass(waiting[0]):
                return False
            waiting.popleft()
        return True

    def watch(self, poll: select.poll, now: float) -> float:
        """Register with `poll` what tells that it is worth trying again; when to try in any case."""
        assert self._busy is not None
        due = math.inf if self._mentioned else self._since + _MENTION
        if self._busy.writable is None:
            return min(due, now + _RETRY)
        poll.register(self._busy.writable, select.POLLOUT)
        return due

    def mention(self, now: float) -> None:
        """Say once that the sink takes nothing, if it has been so for a while."""
        if self._busy is not None and not self._mentioned and now >= self._since + _MENTION:
            self._mentioned = True
            self._log.say(
                PRIORITY_WARNING,
                f"{self._sink.name} takes no entries ({self._busy}): datagrams stay queued, senders may have to wait",
            )

    def _pass(self, fields: Fields) -> bool:
        try:
            self._sink.deliver(fields)
        except Busy as busy:
            if self._busy is None:
                self._since = time.monotonic()
            self._busy = busy
            return False
        if self._busy is not None:
            self._busy = None
            if self._mentioned:
                self._mentioned = False
                seconds = time.monotonic() - self._since
                self._log.say(PRIORITY_INFO, f"{self._sink.name} takes entries again after {seconds:.1f} s")
        return True
