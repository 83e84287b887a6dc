"""The errors of this package: what went wrong, what to do about it, and the exit status.

1. A caller that handles some errors and not others catches a class. It never compares a status.
2. Only the outermost layer (`cli`) prints an error and exits with its status; everything below raises.
3. The statuses are those of sysexits.h, as `os` names them.

The client loads this too, so it imports nothing but `os`, which every Python has loaded already.
"""

import os


class UdsdError(Exception):
    """`str()` says what is wrong and where, `hint` what to do about it (or nothing), `status` is the exit status."""

    hint = ""
    status = os.EX_SOFTWARE

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint
        if status is not None:
            self.status = status


class QueueFullError(UdsdError):
    """The socket's queue had no room in time. Trying again later may work."""

    hint = "the daemon or journald is behind: see systemctl status udsd, or allow more time"
    status = os.EX_TEMPFAIL


class NobodyListensError(UdsdError):
    """There is no socket, or none that anybody receives from. Trying again works once the daemon has started."""

    status = os.EX_UNAVAILABLE


class TooLongError(UdsdError):
    """The message does not fit into a datagram. Trying again is useless."""

    hint = "split it, or raise net.core.wmem_default"
    status = os.EX_DATAERR


class NotAllowedError(UdsdError):
    """The kernel refuses this user. Trying again is useless until somebody changes the socket's owner or mode."""

    hint = "see its owner and mode (ls -l)"
    status = os.EX_NOPERM


def explain(program: str, error: UdsdError) -> str:
    """The text for standard error: one line for what is wrong and one for the hint, newlines included."""
    text = f"{program}: {error}\n"
    return text + f"{program}: {error.hint}\n" if error.hint else text
