"""The path of one datagram: peek, identify, decide, deliver, consume.

1. A datagram is taken off its queue only after the sink has taken its entry. The path is the same in the loop and at
   shutdown; only the destination of entries differs.
2. What becomes of a datagram is decided in one step without I/O, `Relay.decide`.
3. Nothing in a datagram makes this code raise. An exception is our own mistake, and ends the daemon.
4. A killed run leaves at most one datagram per socket that was delivered and not yet taken off. The next run marks the
   first datagram of each queue as a possible repeat (UDSD_REDELIVERED).
5. No part of a datagram stays in memory when the next one is handled. So memory is bounded by the largest datagram and
   by the tables over senders (`senders.registry`, rule 6).
"""

from time import monotonic
from typing import Protocol

from udsd.daemon.drops import Drops
from udsd.daemon.name_budget import NameBudget
from udsd.daemon.rate_limit import Limit, Limiter
from udsd.daemon.stop import StopPolicy, asks_to_stop
from udsd.formats import Parser
from udsd.formats.text import Problem, trimmed
from udsd.journal.delivery import Delivery
from udsd.journal.entry import REDELIVERED, Entry, encode, own_names
from udsd.journal.log import DONE_REFUSED
from udsd.metrics.counters import Counters
from udsd.receive.receiver import Receiver
from udsd.senders.identity import Identity
from udsd.senders.registry import Registry

_TURN = 0.01  # seconds for one socket, before signals, the watchdog and the other sockets get their turn
_LONGEST_STOP = 5  # bytes: DONE and a newline
_REFUSALS = Limit(1, 30.0)  # warnings to each user whose DONE is refused
_DESCRIPTOR_REFUSED = Problem("descriptor refused")
_TOO_MANY_NAMES = Problem("too many new field names")
_KEPT = ("PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID")  # fields that such a datagram keeps

# What becomes of a datagram. Compared with `is`, which is faster: this runs for each datagram.
ENTRY, EMPTY, STOP, OVER = "entry", "empty", "stop", "over the limit"

Decision = tuple[str, Entry, Problem | None]
_EMPTY: Decision = (EMPTY, b"", None)
_STOP: Decision = (STOP, b"", None)
_OVER: Decision = (OVER, b"", None)


class Source:
    """One socket, with its parser, its senders and its counters.

    `first_may_repeat`: the first datagram of the queue may have been delivered by a run that was killed.
    """

    __slots__ = ("counters", "first_may_repeat", "parse", "receiver", "registry")

    def __init__(self, receiver: Receiver, parse: Parser, registry: Registry) -> None:
        self.receiver = receiver
        self.parse = parse
        self.registry = registry
        self.counters = Counters()
        self.first_may_repeat = False


class Destination(Protocol):
    """Where entries go: to the sink; at the end, if the sink stays blocked, to standard error."""

    def deliver(self, entry: Entry, now: float, origin: object) -> bool:
        """Whether the destination took the entry. If not, the datagram stays in its queue."""


class Relay:
    """Relays datagrams from sources to `delivery`, or to another destination.

    `stopped_by` says whose DONE was obeyed, and on which socket. Empty until then.
    """

    def __init__(self, delivery: Delivery, stop_from: StopPolicy, drops: Drops, names: NameBudget) -> None:
        self.delivery = delivery
        self.drops = drops
        self.stopped_by = ""
        self._stop_from = stop_from
        self._names = names
        self._refusals: Limiter[int | None] = Limiter(_REFUSALS)
        self._log = delivery.log

    def decide(self, source: Source, payload: bytes, attached: int, identity: Identity, now: float) -> Decision:
        """What becomes of a datagram: the kind of decision, the entry if it is one, and the problem of the payload.

        `attached` is not 0 if it carries descriptors. Charges the datagram to the account of its sender.
        """
        if not payload and not attached:
            return _EMPTY
        if len(payload) <= _LONGEST_STOP and asks_to_stop(payload) and self._stop_from.allows(identity.sender):
            return _STOP
        if not self.drops.admit(identity.account, now, len(payload)):
            return _OVER
        fields, problem = source.parse(payload)
        if not self._names.admit(identity.name_account, fields, now):
            kept = (field for field in fields if field[0] in _KEPT)
            fields, problem = (*kept, ("MESSAGE", trimmed(payload))), _TOO_MANY_NAMES
        if attached and (problem is None or not payload):  # an entry in a memfd has no payload
            problem = _DESCRIPTOR_REFUSED
        if problem is not None:
            fields = (*fields, *problem.fields())
        entry = encode(fields) + identity.defaults[own_names(fields)] + identity.ending
        return ENTRY, entry + REDELIVERED if source.first_may_repeat else entry, problem

    def take(self, source: Source, now: float, undelivered: Destination | None = None) -> bool:
        """Take datagrams off one source for a short time. False once its queue is empty.

        With `undelivered`, entries go there instead of `delivery`, and are counted as undelivered.
        """
        receiver, counters, deliver = source.receiver, source.counters, (undelivered or self.delivery).deliver
        end = now + _TURN
        while now < end:
            datagram = receiver.peek()
            if datagram is None:
                return False
            payload, ucred, attached = datagram
            identity = source.registry.identify(ucred, now, attached)
            kind, entry, problem = self.decide(source, payload, attached, identity, now)
            if kind is not ENTRY:
                self._take_off(source, datagram, kind, identity)
            elif not deliver(entry, now, source):
                self.drops.withdraw(identity.account, len(payload))
                return True
            elif undelivered:
                counters.undelivered += 1
                receiver.consume(attached)
            else:
                counters.stored += 1
                receiver.consume(attached)
            source.first_may_repeat = False
            size = len(payload)
            counters.bytes += size
            if size > counters.largest:  # noqa: PLR1730, max() costs three times as much, for each datagram
                counters.largest = size
            if not identity.is_known:
                counters.unidentified += 1
            if problem is not None:
                counters.note(problem.kind, problem.dropped, problem.invalid)
            if size <= _LONGEST_STOP and asks_to_stop(payload) and self._answer_stop(source, kind, identity, now):
                return True
            now = monotonic()
        return True

    def _take_off(self, source: Source, datagram: tuple[bytes, bytes, int], kind: str, identity: Identity) -> None:
        """Take off a datagram that becomes no entry, and count it."""
        payload, _, attached = datagram
        if kind is OVER:
            source.counters.limited_by[identity.account.kind] += 1
            self.drops.drop(source.receiver, identity.account, payload, attached)
            return
        if kind is EMPTY:
            source.counters.empty += 1
        else:
            source.counters.stops_obeyed += 1
        source.receiver.consume(attached)

    def _answer_stop(self, source: Source, kind: str, identity: Identity, now: float) -> bool:
        """Obey or refuse a DONE that has been taken off. True if it is obeyed."""
        sender = identity.sender
        if kind is STOP:
            self.stopped_by = f"DONE from {sender} on {source.receiver.name}"
            return True
        source.counters.stops_refused += 1
        self._refusals.ended(now)  # its drops need no report: `stops_refused` has them
        if self._refusals.admit(sender.uid if sender else None, now):
            self._log.say(DONE_REFUSED, f"DONE from {sender or 'unknown senders'} refused: it is an ordinary message")
        return False
