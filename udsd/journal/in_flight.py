"""Entries in flight: they are in the queue of journald's socket, or were a moment ago.

PID 1 holds that queue, so it outlives journald, with one exception: when journald is stopped together with its
sockets, PID 1 throws the queue away unread. udsd notices only later, when the kernel refuses the next datagram. So udsd
keeps the latest entries until they are known to be safe:

1. An entry has been read when the kernel holds nothing of ours any more (SIOCOUTQ, see unix(7)). Either journald read
   it, or PID 1 did before it closed the socket. PID 1 closes the socket immediately after it has read.
2. So an entry that had been read at one look is safe at the next look, if that is at least 0.25 s (GRACE) later and the
   socket still lives.
3. The number of kept entries and their bytes are bounded. The bounds are several times what the kernel lets a sender
   have queued, since under steady load a look rarely finds that everything has been read. The oldest entries are
   forgotten only at twice the bounds, so that this costs next to nothing per entry.
4. If journald dies, PID 1 keeps the queue, and only the entry that journald read last is lost: the one before those
   that are still queued. Empty datagrams have a place in the queue, so they are noted here too. For this the last
   forgotten entry is kept, unless it is larger than 1 MiB, until an empty datagram after it has been read: a journald
   that waits for its disk may not have stored it yet.

No I/O here; `now` is in seconds of a monotonic clock.
"""

import itertools
import math
from collections.abc import Iterator

from udsd.journal.entry import Entry
from udsd.journal.sink import Lost

GRACE = 0.25  # seconds between two looks; measured: PID 1 closes the socket 0.02 s after its last read
_MOST = 1024  # entries: the kernel queues 278 of the smallest
_MOST_BYTES = 1024 * 1024  # five times what the kernel queues for a sender
_EMPTY: Lost = (b"", None)


class InFlight:
    """The entries that journald's socket took lately, oldest first, each with its origin."""

    def __init__(self) -> None:
        self._entries: list[Lost] = []
        self._bytes = 0
        self._read = 0  # how many of the oldest had been read at the last look
        self._found_read = 0  # how many of the oldest are known to have been read, by journald or by PID 1
        self._looked = 0.0
        self._forgotten: Lost | None = None  # the last one

    def add(self, entry: Entry, origin: object = None) -> None:
        """Keep an entry that the socket has just taken."""
        self._entries.append((entry, origin))
        self._bytes += len(entry)
        if len(self._entries) > 2 * _MOST or self._bytes > 2 * _MOST_BYTES:
            self._trim()

    def add_empty(self) -> None:
        """Note that the socket has just taken an empty datagram."""
        if self._entries:
            self._entries.append(_EMPTY)

    def newest_first(self) -> Iterator[Entry]:
        """The datagrams that are kept, empty ones included."""
        return (entry for entry, _ in reversed(self._entries))

    def in_hand(self, least: int, most: int) -> list[Lost]:
        """The entries that journald may have read last, if `least` to `most` of the newest ones are still queued."""
        end = len(self._entries) - least
        found = self._entries[max(0, len(self._entries) - most - 1) : max(0, end)]
        if most >= len(self._entries) and self._forgotten:
            found.insert(0, self._forgotten)
        return [lost for lost in found if lost[0]]

    def found_read(self) -> None:
        """Note that the kernel holds none of these entries any more."""
        self._found_read = len(self._entries)

    def has_room(self, size: int) -> bool:
        """Whether an entry of `size` bytes fits beside the entries that may be unread. If there are none, any fits."""
        others = self._entries[self._found_read :]
        return not others or (len(others) < _MOST and _bytes_of(others) + size <= _MOST_BYTES)

    def due(self) -> float:
        """When to look next; infinite if nothing is in flight."""
        return self._looked + GRACE if self._entries else math.inf

    def look(self, now: float, *, all_read: bool) -> None:
        """Note that the socket lives, and whether everything has been read. Forget the entries that are safe now.

        A look before it is due proves nothing and changes nothing.
        """
        if now < self._looked + GRACE:
            return
        self._forget(self._read)
        self._read = 0
        entries = sum(1 for _ in itertools.dropwhile(lambda entry: not entry, self.newest_first()))
        if not entries:
            if all_read and len(self._entries) > 1:  # the last of them was sent after `all_read` was determined
                self._forgotten = None
            self._entries.clear()
        elif all_read:
            self._read = entries
        self._looked = now

    def take(self) -> list[Lost]:
        """Return the newest entries within the bounds, and forget them: the socket is gone."""
        self._trim()
        entries = [lost for lost in self._entries if lost[0]]
        self._entries, self._forgotten = [], None
        self._bytes = self._read = self._found_read = 0
        return entries

    def _trim(self) -> None:
        """Forget the oldest entries that are out of bounds. The newest stays, even if it is larger than the bound."""
        within = size = 0
        for entry, _ in reversed(self._entries[-_MOST:]):
            size += len(entry)
            if size > _MOST_BYTES and within:
                break
            within += 1
        self._forget(len(self._entries) - within)

    def _forget(self, number: int) -> None:
        """Forget this number of the oldest entries."""
        oldest = self._entries[:number]
        self._bytes -= _bytes_of(oldest)
        self._forgotten = next((lost for lost in reversed(oldest) if lost[0]), self._forgotten)
        if self._forgotten and len(self._forgotten[0]) > _MOST_BYTES:
            self._forgotten = None
        del self._entries[:number]
        self._read = max(0, self._read - number)
        self._found_read = max(0, self._found_read - number)


def _bytes_of(entries: list[Lost]) -> int:
    return sum(len(entry) for entry, _ in entries)
