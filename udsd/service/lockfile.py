"""A lock file. Its first line is the pid of the process that holds the lock.

1. At most one process holds the lock: flock(2). When the holder is killed, the lock is free, whatever the file says.
2. A new holder first clears the file, and writes its pid when it is ready. So readers never see the pid of a dead
   process as the holder's.
3. To give up the lock, remove the file first, then close the descriptor.
"""

import fcntl
import os
from contextlib import suppress

_LONGEST = 96  # bytes of a pid and another line, in decimal


class HeldError(Exception):
    """Another process holds the lock. `pid` is the pid in the file, 0 if there is none yet."""

    def __init__(self, pid: int) -> None:
        super().__init__(str(pid))
        self.pid = pid


def lock(path: str, mode: int) -> int:
    """Lock the file at `path`; make it with this mode if it is missing. Returns the descriptor that holds the lock.

    Raises HeldError if another process holds the lock, OSError as open(2) does.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A holder that gives up removes the file before it unlocks it. Then this is a lock on a removed file.
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
    """Remove the pid of an earlier holder."""
    os.ftruncate(descriptor, 0)


def write_pid(descriptor: int, more: bytes = b"") -> None:
    """Write the pid of this process, and a second line. Raises OSError if there is no room."""
    os.pwrite(descriptor, b"%d\n%s" % (os.getpid(), more), 0)


def content(descriptor: int) -> bytes:
    """The first bytes of the file, without white space. In a lock file: a pid and what follows it, or nothing."""
    return os.pread(descriptor, _LONGEST, 0).strip()


def _pid_in(descriptor: int) -> int:
    pid, *_ = content(descriptor).split(b"\n")
    return int(pid) if pid.isdigit() else 0
