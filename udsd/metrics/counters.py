"""What became of the datagrams of one socket, counted since the start.

Every datagram taken off a queue is in exactly one of stored, empty, limited, stops_obeyed and undelivered, so
`received` is always their sum. A refused DONE is an ordinary message: it is in `stored` or `limited`, too.

To add a counter: a member of Counters; its name in _NAMES, in _SUMS if sockets are added up, in _WORDS if the status
shows it; the place in `daemon.relay` that counts it; a Family in `prometheus`; the field in udsd.fields(7).
"""

from collections import Counter
from collections.abc import Iterable

_NAMES = ("received", "stored", "empty", "stops_refused", "limited", "stops_obeyed", "undelivered",
          "malformed_datagrams", "dropped_fields", "invalid_names", "unidentified", "bytes", "largest")  # fmt: skip
_WORDS = {
    "limited": "dropped over the limit",
    "stops_refused": "DONE refused",
    "stops_obeyed": "DONE obeyed",
    "undelivered": "undelivered",
    "malformed_datagrams": "malformed",
    "dropped_fields": "fields dropped",
}
_SUMS = ("stored", "empty", "stops_refused", "stops_obeyed", "undelivered", "dropped_fields", "invalid_names",
         "unidentified", "bytes")  # fmt: skip


class Counters:
    """The numbers of one socket.

    `stored`: the sink took the entry. `stops_obeyed`: DONE that stopped udsd. `stops_refused`: DONE from a sender who
    may not stop it. `undelivered`: printed to standard error at the end. `limited_by`: dropped over the limit, by kind
    of account. `malformed_by`: stored as text because of a problem, by kind of problem. `dropped_fields`: fields of
    native entries that were left out because a sender may not set them. `invalid_names`: fields of native entries that
    were skipped because their names are invalid. `unidentified`: nothing but pid, uid and gid is known of the sender.
    `bytes`: the length of all payloads. `largest`: the length of the longest.
    """

    __slots__ = (
        "bytes", "dropped_fields", "empty", "invalid_names", "largest", "limited_by", "malformed_by", "stops_obeyed",
        "stops_refused", "stored", "undelivered", "unidentified",
    )  # fmt: skip

    def __init__(self) -> None:
        self.stored = self.empty = self.stops_refused = self.stops_obeyed = self.undelivered = 0
        self.dropped_fields = self.invalid_names = self.unidentified = self.bytes = self.largest = 0
        self.limited_by: Counter[str] = Counter()
        self.malformed_by: Counter[str] = Counter()

    @property
    def limited(self) -> int:
        """Dropped over the limit."""
        return self.limited_by.total()

    @property
    def malformed_datagrams(self) -> int:
        """Stored as text because of a problem."""
        return self.malformed_by.total()

    @property
    def received(self) -> int:
        """All datagrams taken off the queue."""
        return self.stored + self.empty + self.limited + self.stops_obeyed + self.undelivered

    def note(self, kind: str, dropped: int, invalid: int) -> None:
        """Count a problem of a datagram: its `kind` if it is stored as text, and the fields that were left out."""
        if kind:
            self.malformed_by[kind] += 1
        self.dropped_fields += dropped
        self.invalid_names += invalid

    def items(self) -> list[tuple[str, int]]:
        """Each counter with its name, `received` first, and each kind that is not zero."""
        kinds = [(f"limited_{kind}", number) for kind, number in sorted(self.limited_by.items())]
        kinds += [(f"malformed_{_word(kind)}", number) for kind, number in sorted(self.malformed_by.items())]
        return [(name, getattr(self, name)) for name in _NAMES] + kinds

    def words(self) -> str:
        """The counters as text: three that are always shown, and the others if they are not zero."""
        words = [f"{name} {getattr(self, name)}" for name in ("received", "stored", "empty")]
        more = [(word, getattr(self, name)) for name, word in _WORDS.items()]
        return ", ".join(words + [f"{word} {number}" for word, number in more if number])


def _word(kind: str) -> str:
    return kind.replace(" ", "_").replace("-", "_")


def total(parts: Iterable[Counters]) -> Counters:
    """The sums of the counters of several sockets."""
    whole = Counters()
    for part in parts:
        for name in _SUMS:
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        whole.largest = max(whole.largest, part.largest)
        whole.limited_by.update(part.limited_by)
        whole.malformed_by.update(part.malformed_by)
    return whole
