"""Standard input where another program that shares it has made it non-blocking."""

import select
from io import FileIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Waiting(FileIO):
    """Waits for input itself: Python takes what a non-blocking file answers for the end."""

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As `RawIOBase.readinto`, and 0 at the end alone."""
        while (size := super().readinto(buffer)) is None:
            select.select([self], [], [])
        return size
