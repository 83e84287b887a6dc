"""A socket that we bind ourselves, and the path that it occupies.

The file at a path says nothing about who is behind it, so:

1. Two daemons that want one path are kept apart by a lock on the file `PATH.lock`, which only the daemon's
   own user can open. Everything below happens under that lock. It is gone again when the path is released.
2. Something at the path is in the way unless it is a socket that refuses a connection: that one is stale, and
   only that one is removed.
3. The file gets its mode from the umask at bind(2), so it never has another one.
4. On the way out the file is removed only if it is still the one that bind(2) made. Its inode cannot have
   been given to another file, since the kernel keeps it for as long as the socket lives.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from udsd import address
from udsd.errors import UdsdError
from udsd.receive.receiver import unbound
from udsd.service.lockfile import HeldError, lock
from udsd.service.owner import owner_of

_FOLDER_MODE = 0o755


class BoundSocket:
    """A datagram socket at `path` (a path, or `@name`), made with the permissions `mode`.

    Raises UdsdError, and leaves everything as it was, where the path is in use, is something else than a
    socket, or cannot be written.
    """

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.socket = unbound()
        self._lock: int | None = None
        self._file: os.stat_result | None = None
        try:
            self._occupy(mode)
        except BaseException:
            self.release()
            self.socket.close()
            raise

    def _occupy(self, mode: int) -> None:
        name = address.encode(self.path)
        try:
            if self.path.startswith("@"):
                self.socket.bind(name)
                return
            _make_folder(self.path)
            self._lock = _lock(self.path)
            _remove_stale(self.path)
            with _umask(0o777 & ~mode):
                self.socket.bind(name)
            self._file = os.lstat(self.path)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _in_use(self.path) from error
            raise UdsdError(
                f"cannot make the socket {self.path}: {error.strerror}",
                hint="its folder must exist, and be writable for the user who runs udsd",
                status=os.EX_CANTCREAT,
            ) from error

    def release(self) -> str:
        """Give up the path. The socket lives on, with what is queued in it.

        Returns why the file was not removed, nothing if it was.
        """
        left = ""
        if self._file is not None:
            left = _remove(self.path, self._file)
            self._file = None
        if self._lock is not None:
            _unlink(_lock_path(self.path))
            os.close(self._lock)
            self._lock = None
        return left


def _make_folder(path: str) -> None:
    with _umask(0o777 & ~_FOLDER_MODE), suppress(FileExistsError):
        os.mkdir(os.path.dirname(path) or ".", _FOLDER_MODE)


def _lock_path(path: str) -> str:
    return path + ".lock"


def _lock(path: str) -> int:
    try:
        return lock(_lock_path(path), 0o600)
    except HeldError as holder:
        raise _in_use(path, str(holder)) from None


def _remove_stale(path: str) -> None:
    """Remove the socket at `path` if nobody is behind it; raise UdsdError for anything else that is there."""
    before = _status(path)
    if before is None:
        return
    if not stat.S_ISSOCK(before.st_mode):
        raise UdsdError(
            f"{path} is {_KINDS[stat.S_IFMT(before.st_mode)]}, not a socket: left as it is",
            hint="name another path, or move it out of the way",
            status=os.EX_CANTCREAT,
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        refused = probe.connect_ex(path) == errno.ECONNREFUSED
    now = _status(path)
    if not refused or now is None or not os.path.samestat(now, before):
        raise _in_use(path)
    os.unlink(path)


_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _in_use(path: str, owner: str = "") -> UdsdError:
    return UdsdError(
        f"{path} is in use by {owner or owner_of(path) or 'another program'}",
        hint="stop that one first, or name another path with --listen",
        status=os.EX_UNAVAILABLE,
    )


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _remove(path: str, made: os.stat_result) -> str:
    """Remove the socket that we have made; why that was not done, nothing if it was."""
    try:
        now = _status(path)
    except OSError as error:
        return error.strerror or str(error)
    if now is None:
        return "somebody had done that"
    if not os.path.samestat(now, made):
        return "it is not the one that udsd made"
    return _unlink(path)


def _unlink(path: str) -> str:
    """Remove a file; why that failed, nothing if it did not."""
    try:
        os.unlink(path)
    except OSError as error:
        return error.strerror or str(error)
    return ""


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
