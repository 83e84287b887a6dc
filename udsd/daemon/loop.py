"""The loop: peek, encode, deliver, consume.

1. A datagram is taken off its queue only after the sink has taken its entry. While the sink is busy no queue is
   looked at: the datagrams stay where they are, and a full queue makes their senders wait.
2. Everything that can happen is a descriptor or a deadline of one poll(2). Idle is asleep.
3. The end. On sockets of our own: the files first, then no datagram more, then all that is queued. On
   systemd's: what is queued stays for the next start.
4. Nothing that a sender can put into a datagram raises here. What does raise is our own mistake, and ends us.
5. The most that a killed run can leave behind is one datagram a socket that is delivered and not consumed. The run
   after it marks what it finds in front as such (UDSD_REDELIVERED).
"""

import math
import os
import select
import time
from collections.abc import Sequence
from typing import NamedTuple

from udsd.daemon.rate_limit import Limit, Limiter
from udsd.daemon.stop import StopPolicy, asks_to_stop
from udsd.formats.flaw import FlawError, malformed
from udsd.journal.console import line
from udsd.journal.delivery import Outlet
from udsd.journal.entry import REDELIVERED, Entry, decode, encode, names_itself
from udsd.journal.log import write_stderr
from udsd.journal.messages import DONE_REFUSED, FILE_LEFT, OVER_LIMIT, STARTED, STOPPED, UNDELIVERED
from udsd.metrics.counters import Counters, total
from udsd.metrics.reports import Metrics, Statistics
from udsd.receive import activation, attached
from udsd.receive.bound_socket import BoundSocket
from udsd.receive.receiver import Inbox
from udsd.senders.process import CgroupPaths
from udsd.senders.registry import Identity, Senders, kind_of, room_for_each
from udsd.service import systemd
from udsd.service.signals import Signals
from udsd.service.watchdog import Heartbeat

_BATCH = 256  # datagrams of one socket before signals, the watchdog and the other sockets get their turn
_PATIENCE = 10.0  # seconds that the sink may be blocked at the end before what is left is printed
_LAST_WORDS = 5.0  # seconds for which udsd's own messages wait at the end, once nothing else does
_LONGEST_POLL = 2**31 - 1  # milliseconds; what poll(2) takes
_REFUSALS = Limit(1, 30.0)  # warnings to each user whose DONE is refused


class Rules(NamedTuple):
    """What the command line says of senders, and of what is told of them: seconds between statistics, and the file."""

    stop_from: StopPolicy
    limit: Limit
    cmdline: bool
    interval: float = math.inf
    metrics: Metrics | None = None


class Daemon:
    """Receives on `inboxes` and delivers to `outlet`, until told to stop.

    `bound` are the sockets of our own, whose paths are to be released; without any, the inboxes are systemd's.
    """

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        bound: Sequence[BoundSocket],
        outlet: Outlet,
        signals: Signals,
        rules: Rules,
    ) -> None:
        self._inboxes = inboxes
        self._bound = bound
        self._outlet = outlet
        self._log = outlet.log
        self._signals = signals
        self._stop_from = rules.stop_from
        cgroups, room = CgroupPaths(), room_for_each(len(inboxes))
        self._senders = {inbox: Senders(inbox, cgroups, most=room, cmdline=rules.cmdline) for inbox in inboxes}
        self._refused: Inbox | None = None  # where the datagram waits that the sink did not take
        self._suspects: set[Inbox] = set()  # sockets whose first datagram may have been delivered by a killed run
        self._limiter = Limiter(rules.limit)
        self._refusals = Limiter(_REFUSALS)
        self._counters = {inbox: Counters() for inbox in inboxes}
        by_name = {inbox.name: counters for inbox, counters in self._counters.items()}
        self._statistics = Statistics(by_name, outlet, rules.interval, rules.metrics)
        self._stopped_by = ""
        self._heartbeat = Heartbeat(systemd.watchdog_interval(), systemd.notify, time.monotonic())
        self._poll = select.poll()
        self._poll.register(signals, select.POLLIN)
        for inbox in inboxes:
            self._poll.register(inbox, select.POLLIN)

    def run(self) -> int:
        """Receive until told to stop; the exit status."""
        self._log.say(STARTED, f"receiving on {', '.join(inbox.name for inbox in self._inboxes)}")
        self._outlet.ready(time.monotonic())
        self._statistics.start(time.monotonic())
        after_a_kill = [inbox for inbox in self._inboxes if inbox.follows_a_kill]
        if not self._bound and not after_a_kill:  # else it is still there
            activation.set_mark()
        self._suspects = {inbox for inbox in after_a_kill if inbox.peek() is not None}
        systemd.notify("READY=1")
        while not self._stopped_by:
            readable = self._sleep()
            self._stopped_by = self._signals.stop or ""
            for inbox in readable:
                if not self._stopped_by:
                    self._take(inbox)
        return self._finish()

    def _take(self, inbox: Inbox) -> bool:
        """Deliver a batch from one socket; False once its queue is empty."""
        counters, senders, limiter = self._counters[inbox], self._senders[inbox], self._limiter
        now = time.monotonic()
        for _ in range(_BATCH):
            datagram = inbox.peek()
            if datagram is None:
                return False
            payload, credentials = datagram
            identity = senders.identify(credentials, now)
            size = len(payload)
            asked = asks_to_stop(payload)
            obeyed = asked and self._stop_from.allows(identity.sender)
            flaw = None
            if not payload and not inbox.carries_descriptor:
                counters.empty += 1
            elif obeyed:
                counters.stops += 1
                self._stopped_by = f"DONE from {identity.sender} on {inbox.name}"
            elif not limiter.admit(identity.account, now):
                counters.limited_by[kind_of(identity)] += 1
            else:
                entry, flaw = self._entry(inbox, payload, identity)
                if not self._outlet.deliver(entry, now):
                    limiter.withdraw(identity.account)
                    self._refused = inbox
                    return True
                counters.stored += 1
            inbox.consume()
            counters.bytes += size
            if size > counters.largest:  # noqa: PLR1730, max() costs three times as much, for each datagram
                counters.largest = size
            if self._suspects:
                self._suspects.discard(inbox)
            if flaw:
                counters.note(flaw)
            if obeyed:
                return True
            if asked:
                counters.refused += 1
                self._warn_of_refusal(identity, now)
        return True

    def _entry(self, inbox: Inbox, payload: bytes, identity: Identity) -> tuple[Entry, FlawError | None]:
        """The entry of the datagram that was last looked at, and what is wrong with it."""
        flaw = None
        try:
            fields = inbox.read(payload or _attached(inbox, identity, again=inbox in self._suspects))
        except FlawError as error:
            flaw, fields = error, error.fields
        entry = encode(fields) + (identity.entry_of_named if names_itself(fields) else identity.entry)
        return entry + REDELIVERED if inbox in self._suspects else entry, flaw

    def _warn_of_refusal(self, identity: Identity, now: float) -> None:
        who = f"uid {identity.sender.uid}" if identity.sender else "unknown senders"
        if self._refusals.admit(who, now):
            who = str(identity.sender or who)
            self._log.say(DONE_REFUSED, f"DONE from {who} refused: it is an ordinary message")

    def _report_limits(self, now: float) -> None:
        for account, dropped in self._limiter.ended(now):
            number, seconds = self._limiter.limit
            self._log.say(
                OVER_LIMIT,
                f"{dropped} datagrams of {account} dropped, over the limit of {number:g} in {seconds:g} s",
                ("UDSD_ACCOUNT", account.encode()),
                ("UDSD_DROPPED", b"%d" % dropped),
            )
        self._refusals.ended(now)  # what was refused is among the counters

    def _sleep(self, until: float = math.inf) -> Sequence[Inbox]:
        """Wait until there is something to do, or until `until`; the sockets to take datagrams from now."""
        now = time.monotonic()
        poll = self._poll if self._outlet.blocked_since is None else self._poll_without_inboxes()
        due = min(until, self._heartbeat.due(self._state()), self._outlet.watch(poll, now), self._limiter.due())
        due = min(due, self._statistics.due())
        events = poll.poll(None if due == math.inf else min(_LONGEST_POLL, max(0, math.ceil((due - now) * 1000))))
        now = time.monotonic()
        self._report_limits(now)
        self._statistics.tell(now, asked=self._signals.asked_for_counters())
        ready = self._outlet.ready(now)
        self._heartbeat.beat(now, self._state(), self._status)
        if not ready:
            return ()
        if poll is not self._poll:
            # The one that was refused goes first: for a large entry the others might never leave enough room.
            return sorted(self._inboxes, key=lambda inbox: inbox is not self._refused)
        readable = {descriptor for descriptor, _ in events}
        return [inbox for inbox in self._inboxes if inbox.fileno() in readable]

    def _poll_without_inboxes(self) -> select.poll:
        poll = select.poll()
        if not self._stopped_by:  # then the signals have done their work, and stay readable
            poll.register(self._signals, select.POLLIN)
        return poll

    def _state(self) -> object:
        return sum(counters.received for counters in self._counters.values()), self._outlet.complaint

    def _status(self) -> str:
        return "; ".join(filter(None, (self._outlet.complaint, total(self._counters.values()).words())))

    def _finish(self) -> int:
        systemd.notify("STOPPING=1", f"STATUS=stopping, {self._stopped_by}; {self._status()}")
        reason, stopped = self._stopped_by, time.monotonic()
        self._release_files()
        inboxes = self._inboxes if self._bound else ()
        for inbox in inboxes:
            inbox.seal()
        for inbox in self._drain(inboxes, stopped):
            while (datagram := inbox.peek()) is not None:
                payload, credentials = datagram
                if payload or inbox.carries_descriptor:
                    identity = self._senders[inbox].identify(credentials, stopped)
                    entry, _ = self._entry(inbox, payload, identity)
                    self._give_up(entry)
                else:
                    self._counters[inbox].empty += 1
                inbox.consume()
        for entry in self._outlet.owed():
            self._give_up(entry, taken=True)
        self._report_limits(math.inf)
        whole, now = total(self._counters.values()), time.monotonic()
        if len(self._inboxes) > 1:
            self._statistics.say(now)
        self._statistics.write(now)
        self._log.say(STOPPED, f"stopped by {reason}: {whole.words()}", *self._statistics.fields(whole, now))
        if whole.undelivered:
            self._log.say(UNDELIVERED, f"could not be delivered, and printed to standard error: {whole.undelivered}")
        self._drain((), time.monotonic() - _PATIENCE + _LAST_WORDS)
        for entry in self._outlet.owed():  # lost behind a sink that has gone since
            self._give_up(entry, taken=True)
        for entry in self._log.waiting:
            _print(entry)
        if not self._bound:
            activation.clear_mark()
        return os.EX_UNAVAILABLE if total(self._counters.values()).undelivered else os.EX_OK

    def _release_files(self) -> None:
        for bound in self._bound:
            left = bound.release()
            if left:
                self._log.say(FILE_LEFT, f"{bound.path} was not removed: {left}")

    def _drain(self, inboxes: Sequence[Inbox], since: float) -> Sequence[Inbox]:
        """Deliver all that is queued in sealed sockets, and our own messages.

        Gives up where the sink stays blocked for long after `since`; the sockets that are not empty then.
        """
        rest = inboxes
        while True:
            now = time.monotonic()
            if self._outlet.ready(now, look=True):
                if not rest:
                    return ()
                self._heartbeat.beat(now, self._state(), self._status)
                rest = [inbox for inbox in rest if self._take(inbox)]
                continue
            assert self._outlet.blocked_since is not None
            patience = max(self._outlet.blocked_since, since) + _PATIENCE
            if now >= patience:
                return rest
            self._sleep(patience)

    def _give_up(self, entry: Entry, *, taken: bool = False) -> None:
        """Print an entry that cannot be delivered; `taken` if a sink that is gone now had taken it."""
        socket = dict(decode(entry)).get("UDSD_SOCKET")
        for inbox, counters in self._counters.items():
            if inbox.field[1] == socket:  # a datagram, not a message of our own
                counters.undelivered += 1
                counters.stored -= taken
        _print(entry)


def _attached(inbox: Inbox, identity: Identity, *, again: bool) -> bytes:
    """What the descriptor holds that an empty datagram carries. Raises FlawError for what may not be read."""
    descriptor = inbox.peek_descriptor()
    if descriptor is None:
        raise malformed(b"", "descriptor refused", "not the only one, or withheld by the kernel")
    try:
        return attached.read(descriptor, identity.sender.uid if identity.sender else None, again=again)
    finally:
        os.close(descriptor)


def _print(entry: Entry) -> None:
    write_stderr(line(entry, time.time(), os.uname().nodename))
