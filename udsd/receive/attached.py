"""An entry that comes in a descriptor, which an empty datagram carries: what sd_journal_send(3) does with a large one.

A descriptor can be anything, so it is read by the rules of journald, and by one more:

1. A memfd that is sealed against every change is read.
2. Any other file must be a regular one that lies in /dev/shm, /tmp or /var/tmp, not in a folder below. uid 0 may pass
   any regular file.
3. It is not larger than we can afford to hold. It is read by position, so the sender's is not moved.
4. A path in the name spaces of the sender proves nothing: the file system may be one that a user has made, and to read
   from that could block us until the watchdog ends us, again and again. So what is not in memory, and may have ended
   the run before, is refused.
"""

import fcntl
import os
import stat

from udsd.formats.flaw import FlawError, malformed

LARGEST = 64 << 20  # bytes. journald's own limit is 768 MiB, but it maps what we have to hold, and more than once

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_FOLDERS = ("/dev/shm", "/tmp", "/var/tmp")  # noqa: S108, nothing of ours is made there


def read(descriptor: int, uid: int | None, *, again: bool = False) -> bytes:
    """The entry in a descriptor that this user has passed; `again` if the run before may have ended over it.

    Raises FlawError where it is none that may be read.
    """
    try:
        seals = _seals(descriptor)  # first, since it asks the kernel alone
        if seals is None and again:
            raise _refused("the run before may have ended over it")
        sealed = seals is not None and seals & _SEALS == _SEALS
        if not sealed and uid != 0:
            _check_place(descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refused("not a regular file")
        if status.st_size > LARGEST:
            raise _refused(f"{status.st_size} bytes, more than {LARGEST}")
        return _content(descriptor, status.st_size)
    except OSError as error:
        raise _refused(error.strerror or str(error)) from error


def _check_place(descriptor: int) -> None:
    folder, _, name = os.readlink(f"/proc/self/fd/{descriptor}").rpartition("/")
    if folder not in _FOLDERS or name in ("", ".", ".."):
        raise _refused("neither sealed nor in /dev/shm, /tmp or /var/tmp")


def _seals(descriptor: int) -> int | None:
    """None for a file that is not in memory, and so has no seals (F_GET_SEALS in fcntl(2))."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        return None


def _content(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < size and (part := os.pread(descriptor, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _refused(detail: str) -> FlawError:
    return malformed(b"", "descriptor refused", detail)
