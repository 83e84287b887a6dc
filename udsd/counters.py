"""What became of the datagrams, counted since the start.

Every datagram taken off a queue is in exactly one of stored, empty, limited, stops and undelivered, so
`received` is always their sum. A refused DONE is an ordinary message: it is in `stored` as well.
"""

from dataclasses import dataclass, fields

from udsd.flaw import FlawError


@dataclass(slots=True)
class Counters:
    """`stored`: taken by the sink. `limited`: dropped, being over the limit of its sender. `stops`: DONE that was
    obeyed. `refused`: DONE that was not. `malformed_datagrams`: not what the format of the socket wants, and stored as
    text. `dropped_fields`: fields that a sender may not set, left out of entries of the native protocol.
    """

    stored: int = 0
    empty: int = 0
    limited: int = 0
    refused: int = 0
    stops: int = 0
    undelivered: int = 0
    malformed_datagrams: int = 0
    dropped_fields: int = 0

    @property
    def received(self) -> int:
        """All datagrams taken off the queues."""
        return self.stored + self.empty + self.limited + self.stops + self.undelivered

    def note(self, flaw: FlawError) -> None:
        """Count what was wrong with a datagram that has been stored."""
        if flaw.dropped:
            self.dropped_fields += flaw.dropped
        else:
            self.malformed_datagrams += 1

    def items(self) -> list[tuple[str, int]]:
        """Each counter with its name, `received` first."""
        return [("received", self.received)] + [(field.name, getattr(self, field.name)) for field in fields(self)]

    def words(self) -> str:
        """For people: the four that are always of interest, and the others where they are not zero."""
        always = ("received", "stored", "empty", "refused")
        return ", ".join(
            f"{name.replace('_', ' ')} {number}" for name, number in self.items() if name in always or number
        )
