"""A lock that is a file: at most one process holds it, and a killed one leaves it free, whatever the file says."""

import fcntl
import os
from contextlib import suppress

from udsd.service.owner import lock_holder


class HeldError(Exception):
    """Somebody else has the lock: the process that took it, as text; empty where that cannot be seen."""


def lock(path: str, mode: int) -> int:
    """Lock the file at `path` for this process, making it with this mode; the descriptor that holds the lock.

    Whoever gives up the lock removes the file first and closes the descriptor then.
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
            error = HeldError(lock_holder(descriptor))
            os.close(descriptor)
            raise error from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
