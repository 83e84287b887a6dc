"""A socket that udsd binds itself: udsd makes its file, guards it, and removes it at the end.

The file at a path does not show which process uses it, so:

1. A lock on the file `PATH.lock` keeps a second daemon away from the path. Only the daemon's own user can open the lock
   file. Everything below happens under that lock.
2. Before bind(2), a stale socket at the path is removed: one that refuses a connection. Anything else stays, and is an
   error.
3. The file gets its mode from the umask at bind(2), so it never has another mode.
4. At the end `release` removes the file and the lock file. `daemon.shutdown` calls it, and `daemon.startup` if the
   start fails. It removes the file only if that is still the one that bind(2) made: no other file can have the same
   inode, since the kernel keeps the inode as long as the socket lives.

If there is a service manager, it keeps the socket, too: see `kept_socket`.

udsd never removes the file of a socket that systemd passed from a socket unit; systemd does (RemoveOnStop= in
udsd.socket).
"""

import errno
import os
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from udsd import address, formats
from udsd.errors import UdsdError
from udsd.receive import kept_socket, receiver
from udsd.receive.kept_socket import Kept
from udsd.service import files, lockfile, systemd

_DIRECTORY_MODE = 0o755
_PID_SECONDS = 1.0  # to wait for the pid of a holder, which writes it immediately after it locked the file


class BoundSocket:
    """A datagram socket at `path` (a path, or `@name`), made with the permissions `mode`.

    `kept` are the sockets that the manager has kept. If one of them has this path, its file is still there,
    and it is not sealed, udsd goes on with it, and `went_on` is True. The others are left to the caller.

    Raises UdsdError, and leaves everything as it was, if the path is in use, is not a socket, or cannot be written.
    """

    def __init__(self, path: str, mode: int, form: str = formats.DEFAULT, kept: Sequence[Kept] = ()) -> None:
        self.path = path
        self.went_on = False
        self._form = form
        self._lock: int | None = None
        self._file: os.stat_result | None = None
        self._stored = ""  # the name under which the manager keeps it
        try:
            self._occupy(mode, [one for one in kept if one.path == path])
        except BaseException:
            self.undo()
            raise

    @property
    def is_abstract(self) -> bool:
        """Whether it has an abstract address instead of a file (unix(7))."""
        return self.path.startswith("@")

    def _occupy(self, mode: int, kept: Sequence[Kept]) -> None:
        try:
            if self.is_abstract:
                if kept and not kept[0].is_sealed:
                    self._go_on(kept[0])
                else:
                    self._make()
                return
            _make_directory(self.path)
            self._lock = _lock(self.path)
            own = next((one for one in kept if kept_socket.has_file(one, self._lock)), None)
            if own and own.is_sealed:
                os.unlink(self.path)
                own = None
            if own:
                os.chmod(self.path, mode)
                self._go_on(own)
            else:
                _remove_stale(self.path)
                with _umask(0o777 & ~mode):
                    self._make()
            self._file = os.lstat(self.path)
            lockfile.clear(self._lock)
            lockfile.write_pid(self._lock, kept_socket.numbers(self.socket, self._file))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _in_use(self.path) from error
            raise files.cannot_be_made(_making(self.path), error.strerror) from error

    def _make(self) -> None:
        self.socket = receiver.unbound()
        self._stored = f"{kept_socket.KEPT}.{self._form}.{os.fstat(self.socket.fileno()).st_ino}"
        systemd.store(self._stored, self.socket.fileno(), "FDPOLL=0")
        self.socket.bind(address.encode(self.path))

    def _go_on(self, kept: Kept) -> None:
        self.socket, self._stored, self.went_on = kept.socket, kept.name, True

    def undo(self) -> None:
        """After a failed start: remove what this run made. A socket that the manager kept stays, with its file."""
        if self.went_on:
            return
        self.release()
        self.forget()

    def forget(self) -> None:
        """Have the manager close the socket, if it keeps it: nothing in its queue is wanted any more."""
        if self._stored:
            systemd.remove_stored(self._stored)
            self._stored = ""

    def release(self) -> str:
        """Remove the file and the lock file. The socket stays open, with what is queued in it.

        Returns why the file was not removed; empty if it was.
        """
        left = ""
        if self._file is not None:
            left = _remove(self.path, self._file)
            self._file = None
        if self._lock is not None:
            kept_socket.unlink(kept_socket.lock_path(self.path))
            os.close(self._lock)
            self._lock = None
        return left


def check(path: str) -> None:
    """Raise UdsdError if no socket can be made at `path`. A socket that is in use is no error. Changes nothing."""
    if path.startswith("@"):
        return
    try:
        _status_of_socket(path)
    except OSError as error:
        raise files.cannot_be_made(_making(path), error.strerror) from error
    directory = os.path.dirname(path) or "."
    if not os.path.exists(directory):
        directory = os.path.dirname(directory) or "."
    files.check_directory(directory, _making(path))


def _making(path: str) -> str:
    return f"cannot make the socket {path}"


def _make_directory(path: str) -> None:
    with _umask(0o777 & ~_DIRECTORY_MODE), suppress(FileExistsError):
        os.mkdir(os.path.dirname(path) or ".", _DIRECTORY_MODE)


def _lock(path: str) -> int:
    """Lock the path, and write our pid into the lock file. Returns the descriptor that holds the lock."""
    deadline = time.monotonic() + _PID_SECONDS
    while True:
        try:
            descriptor = lockfile.lock(kept_socket.lock_path(path), 0o600)
            break
        except lockfile.HeldError as held:
            if held.pid or time.monotonic() >= deadline:
                raise _in_use(path, f"udsd with pid {held.pid}" if held.pid else "another udsd") from None
            time.sleep(0.001)
    _, _, file = lockfile.content(descriptor).partition(b"\n")
    try:
        lockfile.clear(descriptor)
        lockfile.write_pid(descriptor, file)
    except BaseException:
        kept_socket.unlink(kept_socket.lock_path(path))
        os.close(descriptor)
        raise
    return descriptor


def _remove_stale(path: str) -> None:
    """Remove a socket at `path` that no process receives from. Raises UdsdError for anything else at the path."""
    before = _status_of_socket(path)
    if before is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        refused = probe.connect_ex(path) == errno.ECONNREFUSED
    now = kept_socket.status(path)
    if not refused or now is None or not os.path.samestat(now, before):
        raise _in_use(path)
    os.unlink(path)


def _status_of_socket(path: str) -> os.stat_result | None:
    """The status of a socket at `path`; None if nothing is there. Raises UdsdError for anything else there."""
    before = kept_socket.status(path)
    if before is not None and not stat.S_ISSOCK(before.st_mode):
        raise UdsdError(
            f"{path} is {_KINDS[stat.S_IFMT(before.st_mode)]}, not a socket: left as it is",
            hint="name another path, or move it out of the way",
            status=os.EX_CANTCREAT,
        )
    return before


_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _in_use(path: str, owner: str = "another program") -> UdsdError:
    return UdsdError(
        f"{path} is in use by {owner}",
        hint=f"stop that one first (ss -xap src {path} shows it), or name another path with --listen",
        status=os.EX_UNAVAILABLE,
    )


def _remove(path: str, made: os.stat_result) -> str:
    """Remove the file of the socket that was made here. Returns why it was not removed; empty if it was."""
    try:
        now = kept_socket.status(path)
    except OSError as error:
        return error.strerror or str(error)
    if now is None:
        return "somebody else has removed it"
    if not os.path.samestat(now, made):
        return "it is not the one that udsd made"
    return kept_socket.unlink(path)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
