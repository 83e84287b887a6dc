"""What a sink does for the daemon: it takes an entry as a whole, or raises BusyError, which says when to try again."""

from collections.abc import Iterable
from typing import Protocol

from udsd.journal.entry import Entry

# An entry that a sink took and then lost, with the origin that `deliver` got with it.
Lost = tuple[Entry, object]


class BusyError(Exception):
    """The sink did not take the entry, and kept no part of it: deliver it again.

    `writable` is a descriptor that polls writable when it is time to try again; None if there is no such descriptor.
    """

    def __init__(self, reason: str, writable: int | None = None) -> None:
        super().__init__(reason)
        self.writable = writable


class Sink(Protocol):
    """The journal or the console."""

    name: str  # for people: who takes the entries

    def deliver(self, entry: Entry, origin: object = None) -> None:
        """Take an entry, or raise BusyError. Never waits.

        `origin` belongs to the caller and comes back with the entry if the sink loses it (`take_lost`).
        """

    def due(self) -> float:
        """When `check` is needed next, in monotonic seconds; may be infinite."""

    def check(self, now: float) -> None:
        """Check that the sink is there, and that the entries that it took lately are safe.

        Raises BusyError if it is not there, or if it lost entries and cannot take them again.
        """

    def reopen(self) -> None:
        """Open the sink's file again, if it has one: it may have been moved. Raises OSError if that fails."""

    def take_lost(self) -> Iterable[Lost]:
        """Give the caller the entries that the sink took, lost, and could not deliver again."""
