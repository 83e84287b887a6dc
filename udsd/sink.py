"""What the loop asks of a sink: take an entry whole, or say that it cannot and when to try again."""

from typing import Protocol

from udsd.entry import Fields


class Busy(Exception):
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

    def deliver(self, fields: Fields) -> None:
        """Return when the entry has been taken, raise Busy when it has not. Never waits."""
