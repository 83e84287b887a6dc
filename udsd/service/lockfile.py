"""A lock that is a file with the pid of its holder in it.

1. At most one process holds it: flock(2). A killed holder leaves the lock free, whatever the file says.
2. The holder writes its pid when it likes. Until then the file is empty, so that readers never see the pid of a dead
   process.
3. To give up the lock is to remove the file first and close the descriptor then.
"""

import fcntl
import os
from contextlib import suppress

_LONGEST = 20  # bytes of a pid in decimal


class HeldError(Exception):
    """Another process holds the lock. `pid` is what it has written into the file, 0 if nothing yet."""

    def __init__(self, pid: int) -> None:
        super().__init__(str(pid))
        self.pid = pid


def lock(path: str, mode: int) -> int:
    """Lock the file at `path` for this process, making it with this mode; the descriptor that holds the lock.

    Raises HeldError where another process holds it, OSError as open(2) does.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A holder on its way out removes the file before it unlocks it; then this lock is worth nothing.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.lstat(path), os.fstat(descriptor)):
                    return descriptor
        except BlockingIOError:
            error = HeldError(_pid_in(descriptor))
            os.close(descriptor)
            raise error from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def clear(descriptor: int) -> None:
    """Remove what an earlier holder has written."""
    os.ftruncate(descriptor, 0)


def write_pid(descriptor: int) -> None:
    """Write the pid of this process. Raises OSError where there is no room."""
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)


def content(descriptor: int) -> bytes:
    """The first bytes of the file, without white space: a pid, or nothing, if it is a lock file."""
    return os.pread(descriptor, _LONGEST, 0).strip()


def _pid_in(descriptor: int) -> int:
    text = content(descriptor)
    return int(text) if text.isdigit() else 0
