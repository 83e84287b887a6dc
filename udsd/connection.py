"""A connection to a socket of udsd, and what is wrong where there is none.

It is what `udsd-send` is made of, and that is started thousands of times from scripts. So it uses `_socket`, the
C module that `socket` is a wrapper of: importing `socket` would cost 5 ms, two thirds of what it takes Python
to start at all.
"""

import errno
import os
from _socket import AF_UNIX, SO_SNDBUF, SO_SNDTIMEO, SOCK_DGRAM, SOL_SOCKET, socket

from udsd import address
from udsd.errors import UdsdError


def candidates(path: str | None = None, name: str = "") -> list[str]:
    """The sockets to try, in this order: `path` alone, `$UDSD_SOCKET` alone, or the system's, then the user's.

    `name` is of the sockets beside these two, for a format of their own.
    """
    if path is not None:
        return [path]
    if named := os.environ.get("UDSD_SOCKET"):
        return [named]
    user = address.user_socket()
    paths = [address.SYSTEM_SOCKET, user] if user else [address.SYSTEM_SOCKET]
    return [os.path.join(os.path.dirname(usual), name) for usual in paths] if name else paths


class Connection:
    """A connection to the first of `paths` that exists.

    `timeout` is how long one datagram may wait for room in the queue, in seconds; 0 does not wait, None waits as long
    as it takes. `start` is the command to start the daemon with, for errors.
    Raises UdsdError with the remedy where nothing is there, nobody listens, or it is not allowed.
    """

    def __init__(
        self, paths: list[str], timeout: float | None = None, start: str = "systemctl start udsd.socket"
    ) -> None:
        self._timeout = timeout
        self._start = start
        self._socket = socket(AF_UNIX, SOCK_DGRAM)
        self._status = os.fstat(self._socket.fileno())
        if timeout == 0:
            self._socket.setblocking(False)
        elif timeout is not None:
            self._socket.setsockopt(SOL_SOCKET, SO_SNDTIMEO, _timeval(timeout))
        for self.path in paths:
            try:
                self._socket.connect(address.encode(self.path))
                return
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._explained(error) from error
        raise UdsdError(
            f"{' and '.join(paths)}: no such socket",
            hint=f"start udsd ({start}), or name its socket with -u PATH",
            status=os.EX_UNAVAILABLE,
        )

    def send(self, payload: bytes) -> None:
        """Hand one datagram to the kernel. Raises UdsdError where the kernel does not take it."""
        try:
            self._socket.send(payload)
        except OSError as error:
            raise self._explained(error, len(payload)) from error

    def renewed(self) -> "Connection":
        """A new connection to the same path. Raises UdsdError as making one does."""
        return Connection([self.path], self._timeout, self._start)

    def is_open(self) -> bool:
        """False where somebody has closed the descriptor, as daemons do; its number may be another file's by now."""
        try:
            return os.path.samestat(self._status, os.fstat(self._socket.fileno()))
        except OSError:
            return False

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def __del__(self) -> None:
        # The last thread that uses it lets go: nobody sends any more, so the number of its descriptor is free to go.
        if hasattr(self, "_status"):
            if self.is_open():
                self._socket.close()
            else:
                self._socket.detach()

    def _explained(self, error: OSError, size: int = 0) -> UdsdError:
        what, hint, status = str(error.strerror or error), "", os.EX_OSERR
        if isinstance(error, BlockingIOError):
            what = f"the queue was full for {self._timeout:g} s" if self._timeout else "the queue is full"
            more = "allow more time with --timeout" if self._timeout else "wait for room with --wait"
            hint = f"the daemon or journald is behind: see systemctl status udsd, or {more}"
            status = os.EX_TEMPFAIL
        elif isinstance(error, PermissionError):
            what, hint, status = "not allowed to send to this socket", "see its owner and mode (ls -l)", os.EX_NOPERM
        elif error.errno in (errno.ECONNREFUSED, errno.EPIPE, errno.ENOTCONN, errno.ECONNRESET):
            what = "nobody listens on this socket"
            hint = f"start udsd ({self._start}), or see what is at that path (ls -l)"
            status = os.EX_UNAVAILABLE
        elif error.errno in (errno.EMSGSIZE, errno.ENOBUFS):
            limit = self._socket.getsockopt(SOL_SOCKET, SO_SNDBUF)
            what = f"a datagram of {size} bytes is too long; the kernel takes less than {limit} here"
            hint, status = "split it, or raise net.core.wmem_default", os.EX_DATAERR
        elif error.errno in (errno.EPROTOTYPE, errno.ENOTSOCK, errno.ENOTDIR):
            what, hint, status = "not a datagram socket", "name the socket of udsd with -u PATH", os.EX_UNAVAILABLE
        return UdsdError(f"{self.path}: {what}", hint=hint, status=status)


def _timeval(seconds: float) -> bytes:
    """The kernel's own time-out (socket(7)). That of Python's sockets waits for poll(2), which finds no room long
    before send(2) does: with a quarter of the sender's buffer in use.
    """
    import struct

    return struct.pack("@ll", int(seconds), max(1, int(seconds % 1 * 1e6)))
