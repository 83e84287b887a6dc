"""A sink that a test can look into."""

import math
from collections.abc import Iterable

from udsd.journal.entry import Entry, decode_entry
from udsd.journal.sink import BusyError, Lost


class Drawer:
    """A sink in memory. It takes `room` entries, and then refuses with `refusal`."""

    name = "the drawer"

    def __init__(self) -> None:
        self.taken: list[Entry] = []
        self.room = math.inf
        self.refusal = BusyError("it is full")
        self.look_due = math.inf
        self.looks: list[float] = []
        self.lost: list[Lost] = []

    def deliver(self, entry: Entry, origin: object = None) -> None:
        del origin
        if self.room < 1:
            raise self.refusal
        self.room -= 1
        self.taken.append(entry)

    def due(self) -> float:
        return self.look_due

    def check(self, now: float) -> None:
        self.looks.append(now)
        if self.room < 1:
            raise self.refusal

    def reopen(self) -> None:
        """There is no file."""

    def take_lost(self) -> Iterable[Lost]:
        return self.lost

    def messages(self) -> list[bytes]:
        return [dict(decode_entry(entry))["MESSAGE"] for entry in self.taken]
