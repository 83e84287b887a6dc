"""The pid file (--pidfile), for a daemon without a service manager.

The file is locked as long as the daemon lives. So the file of a killed daemon is recognised as stale, whatever process
has that pid now, and two daemons never share a pid file.
"""

import errno
import os
import stat
from contextlib import suppress

from udsd.errors import UdsdError
from udsd.service import files, lockfile

_MODE = 0o644


class PidFile:
    """Takes the pid file at `path`. Raises UdsdError if it is another daemon's, or is not a pid file."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        try:
            self.descriptor = lockfile.lock(self.path, _MODE)
        except lockfile.HeldError as held:
            raise UdsdError(
                f"{path}: the daemon of this pid file runs already, "
                + (f"with pid {held.pid}" if held.pid else "and is about to start or to end"),
                hint="stop that one first, or name another pid file",
                status=os.EX_UNAVAILABLE,
            ) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise _no_pid_file(path) from error
            raise files.cannot_be_made(path, error.strerror) from error
        if not _may_be_ours(self.descriptor):
            os.close(self.descriptor)
            raise _no_pid_file(path)
        lockfile.clear(self.descriptor)

    def write(self) -> None:
        """Write the pid of this process. Raises UdsdError if there is no room."""
        try:
            lockfile.write_pid(self.descriptor)
        except OSError as error:
            raise UdsdError(f"{self.path}: {error.strerror}", status=os.EX_CANTCREAT) from error

    def remove(self) -> None:
        """Remove the pid file, unless another file is in its place, and unlock it."""
        with suppress(OSError):
            if os.path.samestat(os.lstat(self.path), os.fstat(self.descriptor)):
                os.unlink(self.path)
        os.close(self.descriptor)


def check(path: str) -> None:
    """Raise UdsdError if `path` cannot be a pid file. A daemon that has it now is no error. Changes nothing."""
    if os.path.lexists(path):
        if os.path.islink(path) or not os.path.isfile(path):
            raise _no_pid_file(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise files.cannot_be_made(path, error.strerror) from error
        try:
            if not _may_be_ours(descriptor):
                raise _no_pid_file(path)
        finally:
            os.close(descriptor)
    else:
        files.check_directory(os.path.dirname(path) or ".", path)


def _may_be_ours(descriptor: int) -> bool:
    """Whether it is a regular file that is empty or holds a pid."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    content = lockfile.content(descriptor)
    return not content or content.isdigit()


def _no_pid_file(path: str) -> UdsdError:
    return UdsdError(f"{path} is not a pid file: left as it is", hint="name another", status=os.EX_CANTCREAT)
