"""What became of the datagrams of one socket, counted since the start.

Every datagram taken off a queue is in exactly one of stored, empty, limited, stops and undelivered, so
`received` is always their sum. A refused DONE is an ordinary message: it is in `stored` or `limited` as well.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from udsd.formats.flaw import FlawError

_IN_WORDS = ("limited", "stops", "undelivered", "malformed_datagrams", "dropped_fields")


@dataclass(slots=True)
class Counters:
    """`stored`: taken by the sink. `stops`: DONE that was obeyed. `refused`: DONE that was not. `undelivered`: printed
    at the end. `limited_by`: dropped, being over the limit of their sender, by the kind of sender. `malformed_by`: not
    what the format of the socket wants and stored as text, by what was wrong. `dropped_fields`: fields that a sender
    may not set, left out of entries of the native protocol. `bytes`, `largest`: lengths of payloads.
    """

    stored: int = 0
    empty: int = 0
    refused: int = 0
    stops: int = 0
    undelivered: int = 0
    dropped_fields: int = 0
    bytes: int = 0
    largest: int = 0
    limited_by: Counter[str] = field(default_factory=Counter)
    malformed_by: Counter[str] = field(default_factory=Counter)

    @property
    def limited(self) -> int:
        """Dropped, being over the limit of their sender."""
        return self.limited_by.total()

    @property
    def malformed_datagrams(self) -> int:
        """Not what the format of the socket wants, and stored as text."""
        return self.malformed_by.total()

    @property
    def received(self) -> int:
        """All datagrams taken off the queue."""
        return self.stored + self.empty + self.limited + self.stops + self.undelivered

    def note(self, flaw: FlawError) -> None:
        """Count what was wrong with a datagram that has been stored."""
        if flaw.dropped:
            self.dropped_fields += flaw.dropped
        else:
            self.malformed_by[flaw.kind] += 1

    def items(self) -> list[tuple[str, int]]:
        """Each counter with its name, `received` first; kinds only where there are any."""
        names = ("received", "stored", "empty", "refused", *_IN_WORDS, "bytes", "largest")
        kinds = [(f"limited_{kind}", number) for kind, number in sorted(self.limited_by.items())]
        kinds += [(f"malformed_{_word(kind)}", number) for kind, number in sorted(self.malformed_by.items())]
        return [(name, getattr(self, name)) for name in names] + kinds

    def words(self) -> str:
        """For people: the four that are always of interest, and others where they are not zero."""
        words = [f"{name} {getattr(self, name)}" for name in ("received", "stored", "empty", "refused")]
        more = [(name.replace("_", " "), getattr(self, name)) for name in _IN_WORDS]
        return ", ".join(words + [f"{name} {number}" for name, number in more if number])


def _word(kind: str) -> str:
    return kind.replace(" ", "_").replace("-", "_")


def total(parts: Iterable[Counters]) -> Counters:
    """The counters of several sockets together."""
    whole = Counters()
    for part in parts:
        for name in ("stored", "empty", "refused", "stops", "undelivered", "dropped_fields", "bytes"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        whole.largest = max(whole.largest, part.largest)
        whole.limited_by.update(part.limited_by)
        whole.malformed_by.update(part.malformed_by)
    return whole
