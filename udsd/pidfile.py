"""The file that tells the pid of a daemon that no service manager looks after.

The file is locked for as long as the daemon lives. So a file that is left over from one that was killed is known to be
stale, whatever runs under that pid by now, and two daemons can never have the same one.
"""

import os

from udsd.errors import UdsdError
from udsd.lock import HeldError, lock

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
                f"{path}: the daemon of this pid file runs already, with pid {_read(self.path)}",
                hint="stop that one first, or name another pid file",
                status=os.EX_UNAVAILABLE,
            ) from None
        except OSError as error:
            hint = "its folder must exist, and be writable for the user who runs udsd"
            raise UdsdError(f"{path}: {error.strerror}", hint=hint, status=os.EX_CANTCREAT) from error
        if not (_read(self.path) or "0").isdecimal():
            os.close(self.descriptor)
            raise UdsdError(f"{path} is no pid file: left as it is", hint="name another", status=os.EX_CANTCREAT)

    def write(self) -> None:
        """Write the pid of this process."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, b"%d\n" % os.getpid(), 0)

    def remove(self) -> None:
        """Give up the pid file."""
        os.unlink(self.path)
        os.close(self.descriptor)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_LONGEST).strip()
