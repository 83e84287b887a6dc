"""What the daemon asks of a sink: take an entry whole, or say that it cannot and when to try again."""

from collections.abc import Iterable
from typing import Protocol

from udsd.journal.entry import Entry

# An entry that was lost behind a sink, and the origin that came with it to `deliver`.
Lost = tuple[Entry, object]


class BusyError(Exception):
    """The sink did not take the entry. Nothing of it was kept: deliver it again.

    `writable` is a descriptor that polls writable when it is worth trying again; None where only time can tell.
    """

    def __init__(self, reason: str, writable: int | None = None) -> None:
        super().__init__(reason)
        self.writable = writable


class Sink(Protocol):
    """The journal or the console."""

    name: str  # for people: who takes the entries

    def deliver(self, entry: Entry, origin: object = None) -> None:
        """Return when the entry has been taken, raise BusyError when it has not. Never waits.

        `origin` is the caller's, and comes back with an entry that is lost behind the sink.
        """

    def due(self) -> float:
        """When `check` is needed next, in monotonic seconds; may be infinite."""

    def check(self, now: float) -> None:
        """Check that the sink is there, and that what it took lately is safe.

        Raises BusyError where it is not there, or where entries were lost behind it and cannot be delivered anew.
        """

    def take_lost(self) -> Iterable[Lost]:
        """The entries that were lost behind the sink and have not been delivered anew; now they are the caller's."""
