"""The sink that is the journal: one entry, one datagram to journald's socket.

Why not sd_journal_sendv(3): it reports success where journald's socket does not exist, and it waits without
end where journald's queue is full. Here an entry counts as taken only when the kernel has put it into the
queue of journald's socket, and everything else is Busy. That queue belongs to PID 1 and outlives journald.

1. The socket is connected, so that poll(2) tells when journald's queue has room again.
2. An entry too large for a datagram goes as an empty datagram that carries one sealed memfd with the same
   bytes (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
3. A connection to a journald that has been replaced is refused by the kernel; it is made anew once per entry.
4. Any other error leaves the entry where it was: waiting is better than losing.
"""

import array
import errno
import fcntl
import os
import socket

from udsd.entry import Fields, encode
from udsd.sink import Busy

JOURNALD_SOCKET = "/run/systemd/journal/socket"

_TOO_LARGE = (errno.EMSGSIZE, errno.ENOBUFS)  # ENOBUFS: below the sender's limit, above what the kernel allocates
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class Journal:
    """The journal behind the socket at `path`."""

    name = "journald"

    def __init__(self, path: str = JOURNALD_SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def deliver(self, fields: Fields) -> None:
        """Hand one entry to journald. Raises Busy where journald is away or its queue is full."""
        entry = encode(fields)
        try:
            try:
                self._send(entry)
            except ConnectionRefusedError:
                self._close()
                self._send(entry)
        except BlockingIOError:
            assert self._socket is not None
            raise Busy("its queue is full", self._socket.fileno()) from None
        except OSError as error:
            raise Busy(f"{self._path}: {error.strerror}") from None

    def _send(self, entry: bytes) -> None:
        if self._socket is None:
            self._socket = _connect(self._path)
        try:
            self._socket.send(entry)
        except OSError as error:
            if error.errno not in _TOO_LARGE:
                raise
            _send_memfd(self._socket, entry)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        connection.setblocking(False)
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
