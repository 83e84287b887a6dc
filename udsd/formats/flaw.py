"""What is wrong with a datagram: a sender's mistake. It is counted, told in the entry, and never stops the daemon.

Whatever the mistake, something is stored. A payload that does not parse is the message, byte for byte, as text is;
nothing is guessed from the part of it that could be read.
"""

from udsd.formats.text import message, plain
from udsd.journal.entry import Field, Fields

MOST_FIELDS = 1000  # of one datagram: journald takes 1024 in an entry, and some are ours


class FlawError(Exception):
    """`fields` are what is to be stored all the same. `kind` says in a few words what is wrong, for counting."""

    def __init__(self, kind: str, fields: Fields, dropped: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.fields = fields
        self.dropped = dropped  # how many fields the sender may not set


def malformed(payload: bytes, kind: str, detail: str = "") -> FlawError:
    """The error to raise for a payload that does not parse."""
    told = f"{kind}: {detail}" if detail else kind
    return FlawError(kind, (*plain(message(payload)), ("UDSD_MALFORMED", told.encode(errors="backslashreplace"))))


def too_many_fields(payload: bytes) -> FlawError:
    """The error to raise where there are more than MOST_FIELDS, or are to be."""
    return malformed(payload, "too many fields", f"more than {MOST_FIELDS}")


def with_dropped(fields: list[Field], dropped: int) -> FlawError:
    """The error to raise where so many fields were left out, since a sender may not set them."""
    told: Field = ("UDSD_DROPPED_FIELDS", b"%d" % dropped)
    return FlawError("dropped fields", (*fields, told), dropped)
