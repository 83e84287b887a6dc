"""The file that tells the pid of a daemon that no service manager looks after.

The file is locked for as long as the daemon lives. So a file that is left over from one that was killed is known to be
stale, whatever runs under that pid by now, and two daemons can never have the same one.
"""

import errno
import os
import stat
from contextlib import suppress

from udsd.errors import UdsdError
from udsd.service.lockfile import HeldError, lock

_MODE = 0o644
_LONGEST = 20  # bytes


class PidFile:
    """The pid file at `path`, which becomes ours. Raises UdsdError where it is another daemon's, or no pid file."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        try:
            self.descriptor = lock(self.path, _MODE)
        except HeldError:
            raise UdsdError(
                f"{path}: the daemon of this pid file runs already, {_pid_in(self.path)}",
                hint="stop that one first, or name another pid file",
                status=os.EX_UNAVAILABLE,
            ) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise _no_pid_file(path) from error
            hint = "its folder must exist, and be writable for the user who runs udsd"
            raise UdsdError(f"{path}: {error.strerror}", hint=hint, status=os.EX_CANTCREAT) from error
        if not _may_be_ours(self.descriptor):
            os.close(self.descriptor)
            raise _no_pid_file(path)
        os.ftruncate(self.descriptor, 0)  # whoever finds it locked is not to be told the pid of a daemon of yore

    def write(self) -> None:
        """Write the pid of this process. Raises UdsdError where there is no room."""
        try:
            os.pwrite(self.descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            raise UdsdError(f"{self.path}: {error.strerror}", status=os.EX_CANTCREAT) from error

    def remove(self) -> None:
        """Give up the pid file: it is removed, but not another one that somebody has put in its place."""
        with suppress(OSError):
            if os.path.samestat(os.lstat(self.path), os.fstat(self.descriptor)):
                os.unlink(self.path)
        os.close(self.descriptor)


def _may_be_ours(descriptor: int) -> bool:
    """Whether a file has nothing in it, or a pid."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    content = os.pread(descriptor, _LONGEST, 0).strip()
    return not content or content.isdigit()


def _pid_in(path: str) -> str:
    """The pid in a pid file that is locked."""
    pid = ""
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        pid = file.read(_LONGEST).strip()
    return f"with pid {pid}" if pid else "and is about to start or to end"


def _no_pid_file(path: str) -> UdsdError:
    return UdsdError(f"{path} is no pid file: left as it is", hint="name another", status=os.EX_CANTCREAT)
