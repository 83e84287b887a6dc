"""What a parser returns, and the simplest parser: the payload is text.

A parser is a pure function from a payload to `Parsed`: the fields to store, and what is wrong with the payload.

1. Something is always stored. A payload that does not parse becomes the message, byte for byte.
2. A problem is the sender's mistake. It is counted and recorded in the entry, and it never stops the daemon.
3. Inside a parser, `MalformedError` carries a problem to the parser's edge. No parser raises.
"""

from typing import NamedTuple

from udsd import priorities
from udsd.journal.entry import Field, Fields

# Fields of one datagram. A journal file has room for about 250 field names, then journald begins a new file. One entry
# must stay well below that.
MOST_FIELDS = 128

_PRIORITY: Field = ("PRIORITY", b"%d" % priorities.INFO)


class Problem(NamedTuple):
    """What is wrong with a datagram.

    `kind` says in a few words what does not parse, for counting; empty if everything parses. `detail` says where.
    `dropped` is the number of fields that were left out because a sender may not set them, `invalid` the number of
    those that were skipped because their names are invalid.
    """

    kind: str
    detail: str = ""
    dropped: int = 0
    invalid: int = 0

    def fields(self) -> Fields:
        """The fields that record the problem in the entry."""
        if self.dropped:
            return (("UDSD_DROPPED_FIELDS", b"%d" % self.dropped),)
        if not self.kind:
            return ()
        text = f"{self.kind}: {self.detail}" if self.detail else self.kind
        return (("UDSD_MALFORMED", text.encode(errors="backslashreplace")),)


# A plain tuple: building a NamedTuple for each datagram costs 0.2 us more.
Parsed = tuple[Fields, Problem | None]


class MalformedError(Exception):
    """A payload does not parse. Raised and caught inside a parser.

    It holds no part of the payload: an exception that is still referenced would keep the payload in memory.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind)
        self.problem = Problem(kind, detail)


def too_many_fields() -> MalformedError:
    """The error to raise if there are, or will be, more than MOST_FIELDS."""
    return MalformedError("too many fields", f"more than {MOST_FIELDS}")


def trimmed(payload: bytes) -> bytes:
    """The payload without one trailing newline and the NULs after it, which C programs send."""
    before_nuls = payload.rstrip(b"\0")
    return before_nuls[:-1] if before_nuls.endswith(b"\n") else payload


def parse(payload: bytes) -> Parsed:
    """The fields of text: the message is the payload, `trimmed`."""
    return (_PRIORITY, ("MESSAGE", trimmed(payload))), None


def unparsed(payload: bytes, problem: Problem, certain: Fields = (_PRIORITY,)) -> Parsed:
    """For a payload that does not parse: it is the message. `certain`: fields that are known anyway, PRIORITY first."""
    return (*certain, ("MESSAGE", trimmed(payload))), problem
