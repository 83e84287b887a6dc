"""What the loop asks of a sink: take an entry whole, or say that it cannot and when to try again."""

from collections.abc import Iterable
from typing import Protocol

from udsd.journal.entry import Entry


class BusyError(Exception):
    """The sink did not take the entry. Nothing of it was kept: deliver it again.

    `writable` is a descriptor that polls writable when it is worth trying again; where there is none, only
    time can tell.
    """

    def __init__(self, reason: str, writable: int | None = None) -> None:
        super().__init__(reason)
        self.writable = writable


class Sink(Protocol):
    """The journal or the console."""

    name: str  # for people: who is it that takes the entries

    def deliver(self, entry: Entry) -> None:
        """Return when the entry has been taken, raise BusyError when it has not. Never waits."""

    def due(self) -> float:
        """When `check` has something to look after, in monotonic seconds; infinite where it has not."""

    def check(self, now: float) -> None:
        """Look whether the sink is there, and whether what it took of late is safe.

        Raises BusyError where it is not there, or where entries were lost behind it and cannot be delivered anew.
        """

    def owed(self) -> Iterable[Entry]:
        """The entries that were lost behind the sink and are to be delivered anew; now they are the caller's."""
