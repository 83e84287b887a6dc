"""The sink that is the journal: one entry, one datagram to journald's socket.

Why not sd_journal_sendv(3): it reports success where journald's socket does not exist, and it waits without end where
journald's queue is full. Here an entry counts as taken only when the kernel has put it into the queue of journald's
socket, and everything else is BusyError.

1. The socket is connected, so that poll(2) reports when journald's queue has room again.
2. An entry too large for a datagram goes as an empty datagram that carries one sealed memfd with the same bytes
   (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
3. A refused datagram means that the socket we knew is gone, and with it what was queued in it. Those entries are
   delivered anew (`in_flight`), marked with UDSD_REDELIVERED=1 since some of them may be stored already.
4. A memfd takes next to no room in the queue, so the kernel would let any number of them wait there. One that has no
   room among the entries in flight waits until journald has read all before it.
5. Any other error leaves the entry where it was: waiting is better than losing.
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

_QUEUED = 106_496  # bytes; the kernel doubles it, to its own default. What is queued has to be kept in flight.
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

    def deliver(self, entry: Entry, origin: object = None) -> None:
        """Hand one entry to journald. Raises BusyError where journald is stopped or its queue is full."""
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
        """Check that journald's socket lives, and deliver anew what one that died has lost."""
        looked_at, all_read = self._socket, self._all_read()
        self.deliver(b"")  # journald ignores an empty datagram, and a dead socket refuses it
        self._in_flight.look(now, all_read=all_read and self._socket is looked_at)
        if self._large:
            self._make_room(self._large)

    def take_lost(self) -> Iterable[Lost]:
        """What a dead socket has lost and no other has taken since."""
        while self._again:
            yield self._again.popleft()

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

    def _all_read(self) -> bool:
        """Whether the kernel holds nothing of ours any more; if so, that is noted."""
        all_read = self._socket is not None and queued_bytes(self._socket) == 0
        if all_read:
            self._in_flight.found_read()
        return all_read

    def _make_room(self, size: int) -> None:
        """Raises BusyError where a memfd of that size would push out an entry that may not have been read."""
        self._large = 0 if self._in_flight.has_room(size) else size
        if self._large:
            raise BusyError("it has not read what was sent before a large entry")

    def _disconnect(self) -> None:
        self.close()
        lost = self._in_flight.take()
        again = [(entry if entry.endswith(REDELIVERED) else entry + REDELIVERED, origin) for entry, origin in lost]
        self._again.extendleft(reversed(again))


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
