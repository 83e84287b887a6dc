"""A connection to a socket of udsd, and errors that say what to do if it fails.

Scripts start `udsd-send` thousands of times, so it has to start fast. So this uses `_socket`, the C module below
`socket`: importing `socket` would cost 5 ms, two thirds of what Python itself takes to start.
"""

import errno
import os
from _collections_abc import Callable
from _socket import AF_UNIX, SO_SNDBUF, SO_SNDTIMEO, SOCK_DGRAM, SOL_SOCKET, socket

from udsd import address
from udsd.errors import NobodyListensError, NotAllowedError, QueueFullError, SendError, TooLongError


def candidates(path: str | None = None, name: str = "") -> list[str]:
    """The paths of the sockets to try, in order.

    `path` alone if it is given, else `$UDSD_SOCKET` alone, else the system's socket and then the user's. `name`
    replaces the file name of the last two: each format has its own socket.
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

    `timeout` is how long one datagram may wait for room in the queue, in seconds; 0 does not wait, None waits without
    limit. Raises NobodyListensError, NotAllowedError, or another SendError if it cannot connect.
    """

    def __init__(self, paths: list[str], timeout: float | None = None) -> None:
        self.timeout: float | None = None
        self._socket = socket(AF_UNIX, SOCK_DGRAM)
        self._status = os.fstat(self._socket.fileno())
        self.wait(timeout)
        for self.path in paths:
            name = address.encode(self.path)
            try:
                self._socket.connect(name)
                return
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._explained(error) from error
        raise NobodyListensError(
            f"{' and '.join(paths)}: no such socket", hint=_how_to_start(paths[0]), number=errno.ENOENT
        )

    def wait(self, timeout: float | None) -> None:
        """Change `timeout`, in seconds, for later datagrams."""
        if timeout == self.timeout:
            return
        self.timeout = timeout
        self._socket.setblocking(timeout != 0)
        if timeout != 0:
            self._socket.setsockopt(SOL_SOCKET, SO_SNDTIMEO, _timeval(timeout or 0))

    def send(self, payload: bytes) -> None:
        """Send one datagram. It is in the socket's queue when this returns.

        Raises QueueFullError, NobodyListensError, TooLongError, NotAllowedError, or another SendError.
        """
        try:
            self._socket.send(payload)
        except OSError as error:
            raise self._explained(error, len(payload)) from error

    @property
    def plain_send(self) -> Callable[[bytes], int]:
        """The socket's own send(2), which raises OSError: cheaper, for callers that send a million."""
        return self._socket.send

    def renewed(self) -> "Connection":
        """A new connection to the same path, with the same time-out. Raises as the constructor does."""
        return Connection([self.path], self.timeout)

    def is_open(self) -> bool:
        """Whether the descriptor is still this socket.

        A program that becomes a daemon closes all its descriptors, and another file may have the number by now.
        """
        try:
            return os.path.samestat(self._status, os.fstat(self._socket.fileno()))
        except OSError:
            return False

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._socket.fileno()

    def __del__(self) -> None:
        # The last thread has dropped its reference: nobody sends any more, so the descriptor can be closed.
        if hasattr(self, "_status"):
            if self.is_open():
                self._socket.close()
            else:
                self._socket.detach()

    def _explained(self, error: OSError, size: int = 0) -> SendError:
        """The error to raise for an error of the kernel, for a datagram of `size` bytes."""
        number = error.errno
        if isinstance(error, BlockingIOError):
            state = f"was full for {self.timeout:g} s" if self.timeout else "is full"
            more = "allow more time with --timeout" if self.timeout else "wait for room with --wait"
            hint = f"the daemon or journald is behind: see systemctl status udsd, or {more}"
            return QueueFullError(f"{self.path}: the queue {state}", hint=hint)
        if isinstance(error, PermissionError):
            return NotAllowedError(f"{self.path}: not allowed to send to this socket", number=number)
        if number in (errno.ECONNREFUSED, errno.EPIPE, errno.ENOTCONN, errno.ECONNRESET):
            what = f"{self.path}: nobody listens on this socket"
            return NobodyListensError(what, hint=_how_to_start(self.path), number=number)
        if number in (errno.EPROTOTYPE, errno.ENOTSOCK, errno.ENOTDIR):
            hint = "name a datagram socket with UDSD_SOCKET or -u PATH"
            return NobodyListensError(f"{self.path}: not a datagram socket", hint=hint, number=number)
        if number in (errno.EMSGSIZE, errno.ENOBUFS):
            limit = self._socket.getsockopt(SOL_SOCKET, SO_SNDBUF)
            what = f"a datagram of {size} bytes is too long; the kernel takes less than {limit} here"
            return TooLongError(f"{self.path}: {what}", number=number)
        return SendError(f"{self.path}: {error.strerror or error}", number=number)


def _how_to_start(path: str) -> str:
    unit = address.unit_of(path)
    if unit:
        return f"start udsd (systemctl start {unit}), or name another socket with UDSD_SOCKET or -u PATH"
    return "start the program that receives there, or see what is at that path (ls -l)"


def _timeval(seconds: float) -> bytes:
    """The value of SO_SNDTIMEO, the kernel's own time-out (socket(7)).

    The time-out of Python's sockets waits in poll(2), which reports no room once a quarter of the sender's buffer is in
    use, long before send(2) does.
    """
    from _struct import pack  # the C module below `struct`

    return pack("@ll", int(seconds), max(1, int(seconds % 1 * 1e6)) if seconds else 0)
