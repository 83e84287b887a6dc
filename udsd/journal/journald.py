"""journald as a sink: one datagram to journald's socket for each entry.

Why not sd_journal_sendv(3): it reports success if journald's socket does not exist, and it waits forever if journald's
queue is full. Here an entry counts as taken only when the kernel has put it into the queue of journald's socket.
Otherwise BusyError is raised; `delivery` says what happens then.

1. The socket is connected, so that poll(2) reports when journald's queue has room again.
2. An entry too large for a datagram is sent as an empty datagram with a sealed memfd that holds the same bytes
   (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
3. If the kernel refuses a datagram, the old socket is gone, together with what was queued in it. The entries in flight
   (`in_flight`) are sent again to the new socket, with UDSD_REDELIVERED=1, since journald may have stored some of them.
4. A memfd takes almost no room in the queue, so the kernel would let any number of them wait there. If a memfd does not
   fit among the entries in flight, it waits until journald has read everything before it.
5. On any other error, too, the caller keeps the entry (BusyError): waiting is better than losing.
6. If journald dies, the bytes that the kernel still holds of ours show which entry it had read and not stored. That
   entry is sent again in the same way (`in_flight`, rule 4).
"""

import array
import errno
import fcntl
import os
import socket
import termios
from collections import deque
from collections.abc import Iterable

from udsd.journal.entry import REDELIVERED, Entry
from udsd.journal.in_flight import InFlight
from udsd.journal.sink import BusyError, Lost

JOURNALD_SOCKET = "/run/systemd/journal/socket"

_QUEUED = 106_496  # bytes; the kernel doubles it, to its own default. `in_flight` must hold all that can be queued.
_OVERHEAD = 32  # bytes of the queue that the kernel wants to be left beside a datagram
_TOO_LARGE = (errno.EMSGSIZE, errno.ENOBUFS)  # ENOBUFS: below the sender's limit, above what the kernel allocates
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class Journal:
    """The journal behind the socket at `path`."""

    name = "journald"

    def __init__(self, path: str = JOURNALD_SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._in_flight = InFlight()
        self._again: deque[Lost] = deque()
        self._large = 0  # bytes of an entry that waits for room in flight
        self._in_hand: list[Lost] = []

    def deliver(self, entry: Entry, origin: object = None) -> None:
        """Send one entry to journald. Raises BusyError if it was not taken."""
        try:
            try:
                if self._again:
                    self._send_again()
                self._send(entry, origin)
            except ConnectionRefusedError:
                self._disconnect()
                self._send_again()
                self._send(entry, origin)
        except BlockingIOError:
            assert self._socket is not None
            raise BusyError("its queue is full", self._socket.fileno()) from None
        except OSError as error:
            raise BusyError(f"{self._path}: {error.strerror}") from None

    def due(self) -> float:
        """When to check next whether the latest entries are safe."""
        return self._in_flight.due()

    def check(self, now: float) -> None:
        """Check that journald's socket lives. If it died, resend the entries that it lost."""
        looked_at, all_read = self._socket, self._all_read()
        self.deliver(b"")  # journald ignores an empty datagram, and a dead socket refuses it
        self._in_flight.look(now, all_read=all_read and self._socket is looked_at)
        if self._large:
            self._make_room(self._large)

    def reopen(self) -> None:
        """Nothing to do: journald has no file of ours."""

    def take_lost(self) -> Iterable[Lost]:
        """The entries that journald lost and that have not been sent again."""
        while self._again:
            yield self._again.popleft()

    def note_in_hand(self) -> None:
        """Note which entries journald may have read last. Call it while journald is dead: nothing is read then."""
        if self._socket is not None:
            largest = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - _OVERHEAD
            unread = _count_unread(self._in_flight.newest_first(), queued_bytes(self._socket), largest)
            self._in_hand = self._in_flight.in_hand(*unread)

    def settle_in_hand(self, *, stored: bool) -> None:
        """Note whether journald stored the entry that it read last. If not, it is sent again before the next one."""
        if not stored:
            self._again.extend(_marked(self._in_hand))
        self._in_hand = []

    def close(self) -> None:
        """Close the connection. The next entry needs a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send_again(self) -> None:
        while self._again:
            self._send(*self._again[0])
            self._again.popleft()

    def _send(self, datagram: bytes, origin: object) -> None:
        if self._socket is None:
            self._socket = _connect(self._path)
        try:
            self._socket.send(datagram)
        except OSError as error:
            if error.errno not in _TOO_LARGE:
                raise
            self._all_read()
            self._make_room(len(datagram))
            _send_memfd(self._socket, datagram)
        if datagram:
            self._in_flight.add(datagram, origin)
        else:
            self._in_flight.add_empty()

    def _all_read(self) -> bool:
        """Whether the kernel holds nothing of ours any more. If so, notes it for the entries in flight."""
        all_read = self._socket is not None and queued_bytes(self._socket) == 0
        if all_read:
            self._in_flight.found_read()
        return all_read

    def _make_room(self, size: int) -> None:
        """Raises BusyError if a memfd of that size would push out an entry that may be unread."""
        self._large = 0 if self._in_flight.has_room(size) else size
        if self._large:
            raise BusyError("it has not read what was sent before a large entry")

    def _disconnect(self) -> None:
        self.close()
        lost = self._in_flight.take()
        self._in_hand = [entry for entry in self._in_hand if entry not in lost]
        self._again.extendleft(reversed(_marked(lost)))


def _marked(entries: Iterable[Lost]) -> list[Lost]:
    return [(entry if entry.endswith(REDELIVERED) else entry + REDELIVERED, origin) for entry, origin in entries]


def _count_unread(newest_first: Iterable[Entry], queued: int, largest: int) -> tuple[int, int]:
    """The least and the most of the newest entries that can make up `queued` bytes of kernel memory.

    The memory of an entry depends on the kernel and on the length. So the entries are sent once more, to a queue of our
    own, until it holds as much. An entry over `largest` bytes went in a memfd, which takes as much as an empty one.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _QUEUED)  # more than can be queued
        number = 0
        for number, entry in enumerate(newest_first):
            held = queued_bytes(ours)
            if held >= queued:
                return (number if held == queued else number - 1), number
            try:
                ours.send(entry if len(entry) <= largest else b"")
            except OSError as error:
                if error.errno not in _TOO_LARGE:
                    return number, number + 1
                ours.send(b"")
        return number, number + 1


def queued_bytes(connection: socket.socket) -> int:
    """Bytes of kernel memory that hold what we sent and nobody has read."""
    size = array.array("i", [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, size)  # the same number as SIOCOUTQ
    return size[0]


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUED)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _send_memfd(connection: socket.socket, entry: bytes) -> None:
    """Send the entry in a sealed memfd. Raises OSError as memfd_create(2), write(2) and sendmsg(2) do."""
    with open(os.memfd_create("udsd-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb", buffering=0) as memfd:
        rest = memoryview(entry)
        while rest:
            rest = rest[memfd.write(rest) :]
        fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, _SEALS)
        descriptor = array.array("i", [memfd.fileno()])
        connection.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
