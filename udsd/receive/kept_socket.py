"""Sockets of ours that the service manager keeps (FDSTORE in sd_notify(3)), in case udsd is killed.

1. The manager gets the socket before bind(2). So it has it before the first datagram can arrive.
2. The next run goes on with the socket if it listens at the same path and the file there is still the socket's: the
   lock file also holds the inode numbers of both. Otherwise it delivers what is queued, and gives the socket up
   (`give_up`, then `forget`).
3. At the end, when the socket has been sealed and emptied, udsd has the manager close it. If udsd is killed before
   that, the next run binds another socket, and delivers what is queued in the sealed one.
"""

import os
import socket
import stat
from typing import NamedTuple

from udsd import address
from udsd.receive import receiver
from udsd.service import lockfile, systemd

KEPT = "udsd-bound"  # the name of a kept socket: this, its format and its inode number, joined by dots


class Kept(NamedTuple):
    """A socket that a killed run has bound and the manager has kept: its name there, and its format."""

    socket: socket.socket
    name: str
    form: str

    @property
    def path(self) -> str:
        """The path, or `@name`, that was given to bind(2). Empty if that run was killed before bind(2)."""
        return address.decode(self.socket.getsockname())

    @property
    def is_sealed(self) -> bool:
        """Whether that run was killed while it stopped."""
        return receiver.is_sealed(self.socket)

    def forget(self) -> None:
        """Have the manager close it."""
        systemd.remove_stored(self.name)


def give_up(kept: Kept) -> str:
    """Remove the file and the lock file of a kept socket at a path at which udsd no longer listens.

    Returns why the file was not removed; empty if it was, or was gone.
    """
    path = kept.path
    if not path or path.startswith("@"):
        return ""
    try:
        lock = lockfile.lock(lock_path(path), 0o600)
    except lockfile.HeldError:
        return ""  # another udsd has taken the path
    except FileNotFoundError:
        return ""  # its directory is gone
    except OSError as error:
        return error.strerror or str(error)
    left = unlink(path) if has_file(kept, lock) else ""
    unlink(lock_path(path))
    os.close(lock)
    return left


def numbers(bound: socket.socket, file: os.stat_result) -> bytes:
    """The inode numbers that show the next run that the file belongs to the socket."""
    return b"%d %d %d" % (os.fstat(bound.fileno()).st_ino, file.st_dev, file.st_ino)


def has_file(kept: Kept, lock: int) -> bool:
    """Whether the file at the path of a kept socket is the socket's.

    Without numbers in the lock file the last run was killed right after bind(2): then the file is the socket's.
    """
    file = status(kept.path)
    if file is None or not stat.S_ISSOCK(file.st_mode):
        return False
    _, _, made = lockfile.content(lock).partition(b"\n")
    return made in (b"", numbers(kept.socket, file))


def lock_path(path: str) -> str:
    """The lock file beside the file of a socket."""
    return path + ".lock"


def status(path: str) -> os.stat_result | None:
    """What is at a path, None for nothing. A link is not followed."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def unlink(path: str) -> str:
    """Remove a file. Returns why that failed; empty if it did not."""
    try:
        os.unlink(path)
    except OSError as error:
        return error.strerror or str(error)
    return ""
