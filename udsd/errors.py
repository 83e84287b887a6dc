"""The errors of this package: what went wrong, what to do about it, and the exit status.

1. A caller that handles some errors and not others catches a class. It never compares a status.
2. Only the outermost layer (`daemon.cli`, `send.cli`) prints an error and exits with its status; everything below
   raises.
3. The statuses are those of sysexits.h, as `os` names them.
4. An error that kept a datagram from being sent is an OSError too, which applications already catch.

The client loads this too, so it imports only `errno`, and `os`, which every Python has loaded already.
"""

import errno
import os


class UdsdError(Exception):
    """`message` says what is wrong and where, `hint` (or nothing) what to do about it, `status` is the exit status."""

    hint = ""
    status = os.EX_SOFTWARE

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint
        if status is not None:
            self.status = status


class SendError(UdsdError, OSError):
    """A datagram was not sent. `errno` is the kernel's error number, or the closest one. `str()` includes the hint.

    `number` is the errno if it is not the class's `usual` one.
    """

    status = os.EX_OSERR
    usual = errno.EIO

    def __init__(
        self, message: str, *, hint: str | None = None, status: int | None = None, number: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.errno = self.usual if number is None else number
        self.strerror = message

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class QueueFullError(SendError):
    """The socket's queue had no room in time. Trying again later may work."""

    hint = "the daemon or journald is behind: see systemctl status udsd, or allow more time"
    status = os.EX_TEMPFAIL
    usual = errno.EAGAIN


class NobodyListensError(SendError):
    """There is no socket, or nobody receives from it. Trying again works once the daemon has started."""

    status = os.EX_UNAVAILABLE
    usual = errno.ECONNREFUSED


class TooLongError(SendError):
    """The kernel does not take a datagram of this length. Trying again is useless."""

    hint = "shorten it, or raise net.core.wmem_default"
    status = os.EX_DATAERR
    usual = errno.EMSGSIZE


class NotAllowedError(SendError):
    """The kernel refuses this user. Trying again is useless until somebody changes the socket's owner or mode."""

    hint = "see its owner and mode (ls -l)"
    status = os.EX_NOPERM
    usual = errno.EACCES


class BadPathError(SendError):
    """No UNIX socket can have such a name. Trying again is useless."""

    status = os.EX_USAGE
    usual = errno.EINVAL


def explain(program: str, error: UdsdError) -> str:
    """The text for standard error: one line for what is wrong and one for the hint, newlines included."""
    text = f"{program}: {error.message}\n"
    return text + f"{program}: {error.hint}\n" if error.hint else text
