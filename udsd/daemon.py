"""The loop: peek, encode, deliver, consume.

1. A datagram is taken off its queue only after the sink has taken its entry. While the sink is busy no queue is
   looked at: the datagrams stay where they are, and a full queue makes their senders wait.
2. Everything that can happen is a descriptor or a deadline of one poll(2). Idle is asleep.
3. The end. On sockets of our own: the files first, then no datagram more, then all that is queued. On
   systemd's: what is queued stays for the next start.
4. Nothing that a sender can put into a datagram raises here. What does raise is our own mistake, and ends us.
"""

import math
import os
import select
import time
from collections.abc import Iterable, Sequence

from udsd import manager
from udsd.bound import BoundSocket
from udsd.console import line
from udsd.counters import Counters
from udsd.entry import PRIORITY_INFO, PRIORITY_WARNING, Fields
from udsd.heartbeat import Heartbeat
from udsd.identity import fields_of
from udsd.inbox import Datagram, Inbox
from udsd.log import IDENTIFIER, Log, write_stderr
from udsd.outlet import Outlet
from udsd.policy import asks_to_stop, may_stop
from udsd.signals import StopSignals

_BATCH = 64  # datagrams of one socket before signals, the watchdog and the other sockets get their turn
_PATIENCE = 10.0  # seconds that the sink may be blocked at the end before what is left is printed


def entry_of(datagram: Datagram, inbox: Inbox) -> Fields:
    """The journal fields of a datagram that came in on `inbox`."""
    return (
        *inbox.read(datagram.payload),
        IDENTIFIER,
        *fields_of(datagram.sender),
        ("UDSD_SOCKET", os.fsencode(inbox.name)),
    )


class Daemon:
    """Receives on `inboxes` and delivers to `outlet`, until told to stop.

    `bound` are the sockets of our own, whose paths are to be released; without any, the inboxes are systemd's.
    """

    def __init__(
        self, inboxes: Sequence[Inbox], bound: Sequence[BoundSocket], outlet: Outlet, log: Log, signals: StopSignals
    ) -> None:
        self._inboxes = inboxes
        self._bound = bound
        self._outlet = outlet
        self._log = log
        self._signals = signals
        self._uid = os.geteuid()
        self._counters = Counters()
        self._stopped_by = ""
        self._heartbeat = Heartbeat(manager.watchdog_interval(), manager.notify, time.monotonic())
        self._poll = select.poll()
        for readable in (*inboxes, signals):
            self._poll.register(readable, select.POLLIN)

    def run(self) -> int:
        """Receive until told to stop; the exit status."""
        self._log.say(PRIORITY_INFO, f"receiving on {', '.join(inbox.name for inbox in self._inboxes)}")
        self._outlet.flush()
        manager.notify("READY=1")
        while not self._stopped_by:
            readable = self._sleep()
            self._stopped_by = self._signals.received or ""
            self._outlet.flush()
            for inbox in readable:
                if not self._stopped_by:
                    self._take(inbox)
        return self._finish()

    def _take(self, inbox: Inbox) -> bool:
        """Deliver a batch from one socket; False once its queue is empty."""
        counters = self._counters
        for _ in range(_BATCH):
            datagram = inbox.peek()
            if datagram is None:
                return False
            asked = asks_to_stop(datagram.payload)
            if not datagram.payload:
                counters.empty += 1
            elif asked and may_stop(datagram.sender, self._uid):
                counters.stops += 1
                self._stopped_by = f"DONE from {datagram.sender} on {inbox.name}"
            elif self._outlet.deliver(entry_of(datagram, inbox)):
                counters.stored += 1
                counters.refused += asked
            else:
                return True
            inbox.consume()
            if self._stopped_by:
                return True
        return True

    def _sleep(self, until: float = math.inf) -> Sequence[Inbox]:
        """Wait until there is something to do, or until `until`; the sockets that are worth looking at."""
        now = time.monotonic()
        blocked = self._outlet.blocked_since is not None
        poll, due = self._poll, min(until, self._heartbeat.due(self._state()))
        if blocked:
            poll = select.poll()
            due = min(due, self._outlet.watch(poll, now))
            if not self._stopped_by:
                poll.register(self._signals, select.POLLIN)
        events = poll.poll(None if due == math.inf else max(0, math.ceil((due - now) * 1000)))
        now = time.monotonic()
        self._outlet.mention(now)
        self._heartbeat.beat(now, self._state(), self._status)
        if blocked:
            return self._inboxes
        readable = {descriptor for descriptor, _ in events}
        return [inbox for inbox in self._inboxes if inbox.fileno() in readable]

    def _state(self) -> object:
        return self._counters.received, self._outlet.complaint

    def _status(self) -> str:
        return "; ".join(filter(None, (self._outlet.complaint, self._counters.words())))

    def _finish(self) -> int:
        reason = self._stopped_by
        manager.notify("STOPPING=1", f"STATUS=stopping, {reason}; {self._status()}")
        for bound in self._bound:
            left = bound.release()
            if left:
                self._log.say(PRIORITY_WARNING, f"{bound.path} is left where it is: {left}")
        inboxes = self._inboxes if self._bound else ()
        for inbox in inboxes:
            inbox.seal()
        stopped = time.monotonic()
        self._drain(inboxes, stopped)
        counters = {f"UDSD_{name.upper()}": number for name, number in self._counters.items()}
        self._log.say(PRIORITY_INFO, f"stopped by {reason}: {self._counters.words()}", **counters)
        self._drain((), stopped)
        self._print(self._log.waiting)
        return os.EX_UNAVAILABLE if self._counters.undelivered else os.EX_OK

    def _drain(self, inboxes: Sequence[Inbox], since: float) -> None:
        """Deliver all that is queued in sealed sockets, and our own messages.

        Where the sink stays blocked for long after `since`, print the datagrams instead.
        """
        rest = list(inboxes)
        while rest or self._log.waiting:
            rest = [inbox for inbox in rest if self._take(inbox)]
            if not rest:
                self._outlet.flush()
            blocked = self._outlet.blocked_since
            if blocked is None:
                self._heartbeat.beat(time.monotonic(), self._state(), self._status)
                continue
            patience = max(blocked, since) + _PATIENCE
            if time.monotonic() >= patience:
                break
            self._sleep(patience)
        for inbox in rest:
            while (datagram := inbox.peek()) is not None:
                self._print([entry_of(datagram, inbox)])
                inbox.consume()
                self._counters.undelivered += 1

    def _print(self, entries: Iterable[Fields]) -> None:
        for fields in entries:
            write_stderr(line(fields, time.time(), os.uname().nodename))
