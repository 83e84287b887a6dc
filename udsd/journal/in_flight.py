"""Entries that are in the queue of journald's socket, or were a moment ago.

That queue belongs to PID 1 and outlives journald, with one exception: when journald is stopped together with its
sockets, PID 1 empties the queue unread. The kernel lets us know only later, by refusing the next datagram. So the
latest entries are kept until they are known to be safe:

1. An entry has been read when the kernel holds nothing of ours any more (SIOCOUTQ, see unix(7)). Who read it,
   journald or PID 1 on the way to closing the socket, is known only a while later: PID 1 closes it at once.
2. So what was read at one look is safe at the next one, if that comes GRACE later and the socket still lives.
3. The number and the bytes that are kept are bounded, at several times what the kernel lets a sender have queued,
   since under steady load a look rarely finds that all has been read. Twice the bounds are allowed before the oldest
   are forgotten, so that this costs next to nothing an entry.

No I/O here; `now` is in seconds of a monotonic clock.
"""

import math

from udsd.journal.entry import Entry
from udsd.journal.sink import Lost

GRACE = 0.25  # seconds between two looks; PID 1 was seen to take 0.02 from the last read to the closed socket
_MOST = 2048  # entries: the kernel queues 278 of the smallest
_MOST_BYTES = 1024 * 1024  # five times what the kernel queues for a sender


class InFlight:
    """The entries handed over lately, oldest first, each with its origin."""

    def __init__(self) -> None:
        self._entries: list[Lost] = []
        self._bytes = 0
        self._read = 0  # how many of the oldest had been read at the last look
        self._found_read = 0  # how many of them have been found read at any time, by journald or by PID 1
        self._looked = 0.0

    def add(self, entry: Entry, origin: object = None) -> None:
        """Keep an entry that has just been handed over."""
        self._entries.append((entry, origin))
        self._bytes += len(entry)
        if len(self._entries) > 2 * _MOST or self._bytes > 2 * _MOST_BYTES:
            self._trim()

    def found_read(self) -> None:
        """Note that the kernel holds nothing of all this any more."""
        self._found_read = len(self._entries)

    def has_room(self, size: int) -> bool:
        """Whether an entry of so many bytes can be kept beside all that may wait to be read. Alone, any can."""
        others = self._entries[self._found_read :]
        return not others or (len(others) < _MOST and _bytes_of(others) + size <= _MOST_BYTES)

    def due(self) -> float:
        """When to look next; infinite if nothing is in flight."""
        return self._looked + GRACE if self._entries else math.inf

    def look(self, now: float, *, all_read: bool) -> None:
        """Note that the socket lives, and whether everything has been read; forget what is safe.

        A look that comes earlier than it is due proves nothing new and changes nothing.
        """
        if now < self._looked + GRACE:
            return
        self._forget(self._read)
        self._read = len(self._entries) if all_read else 0
        self._looked = now

    def take(self) -> list[Lost]:
        """The newest within the bounds, since the socket is gone; they are forgotten here."""
        self._trim()
        entries, self._entries = self._entries, []
        self._bytes = self._read = self._found_read = 0
        return entries

    def _trim(self) -> None:
        """Forget the oldest that are out of bounds; the newest stays, however large it is."""
        within = size = 0
        for entry, _ in reversed(self._entries[-_MOST:]):
            size += len(entry)
            if size > _MOST_BYTES and within:
                break
            within += 1
        self._forget(len(self._entries) - within)

    def _forget(self, number: int) -> None:
        """Forget so many of the oldest."""
        self._bytes -= _bytes_of(self._entries[:number])
        del self._entries[:number]
        self._read = max(0, self._read - number)
        self._found_read = max(0, self._found_read - number)


def _bytes_of(entries: list[Lost]) -> int:
    return sum(len(entry) for entry, _ in entries)
