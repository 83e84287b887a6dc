"""What the kernel tells about a process: through its pidfd, and through /proc while the pidfd proves whose it is.

A pid is only a number, and may be another process's by the time it is looked up. A pidfd is the process itself,
also when it has ended (pidfd_open(2)). It comes with a datagram (SO_PASSPIDFD, Linux 6.5).
"""

import fcntl
import os
import select
import struct
import time
from collections import OrderedDict, deque
from contextlib import suppress

_PIDFD_GET_INFO = 0xC040FF0B  # linux/pidfd.h: _IOWR(0xFF, 11, struct pidfd_info), its first version of 64 bytes
_INFO_CGROUPID, _INFO_EXIT = 1 << 2, 1 << 3
_INFO = struct.Struct("@QQ48x")

_MOST_PATHS = 1024
_MOST_FOLDERS = 10_000
_MOST_AT_ONCE = 1.0  # seconds that searches for groups may take on end
_MOST_SHARE = 0.05  # of the time, that they may take in the long run
_CGROUP_ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")  # where cgroup2 is mounted; the second on hybrid hosts


class Process:
    """A process by its pidfd, which is closed with `close`."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self._poll = select.poll()
        self._poll.register(pidfd, select.POLLIN)

    def alive(self) -> bool:
        """Whether it has not ended. Until then its pid is nobody else's."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Let go of the pidfd."""
        os.close(self.pidfd)

    def cgroup_id(self) -> int | None:
        """The id of its control group, also when it has ended; None where the kernel (before 6.15) does not tell."""
        for _ in range(2):  # one answer can fail in the instant in which the process is being reaped
            info = bytearray(_INFO.size)
            _INFO.pack_into(info, 0, _INFO_CGROUPID | _INFO_EXIT, 0)
            with suppress(OSError):
                fcntl.ioctl(self.pidfd, _PIDFD_GET_INFO, info)
                mask, cgroup_id = _INFO.unpack(info)
                if mask & _INFO_CGROUPID:
                    return int(cgroup_id)
        return None

    def read(self, name: str) -> bytes | None:
        """The contents of /proc/PID/NAME, if it is certain that they are this process's."""
        contents = read_proc(self.pid, name)
        return contents if self.alive() else None


def read_proc(pid: int, name: str) -> bytes | None:
    """The contents of /proc/PID/NAME, None where there is no such process or we may not look."""
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return None


def cgroup_path(table: bytes) -> str | None:
    """The path of the group in which systemd keeps a process, from the text of /proc/PID/cgroup (cgroups(7)).

    That is cgroup2's, except where systemd uses a hierarchy of the old kind and leaves all in cgroup2's root.
    """
    paths = {}
    # By newline alone, which the kernel keeps out of names: splitlines() would split at others that users can choose.
    for row in table.decode(errors="surrogateescape").split("\n"):
        _, _, named_path = row.partition(":")
        controllers, colon, path = named_path.partition(":")
        if colon:
            paths[controllers] = path
    unified, named = paths.get(""), paths.get("name=systemd")
    return named if unified in (None, "/") and named else unified


class CgroupPaths:
    """The paths of control groups by their ids, which are the inode numbers of their directories.

    An id is never used twice, so a path that was found once stays true, also when the group is gone; the latest ones
    are kept. For an id that is not among them the tree is read: a group that is gone before that has no path. That it
    has none is kept too, also where the search gave up early: what is told may lack a path, but is never guessed.

    Users can make the tree large, and let groups be gone as fast as they like. So searches have a budget of time, and
    when it is used up an id is not looked for. A pause after each search would be simpler, but of many short-lived
    units that are started together only the first would be told.
    """

    def __init__(self) -> None:
        self._root = next((root for root in _CGROUP_ROOTS if os.path.exists(f"{root}/cgroup.procs")), None)
        self._paths: OrderedDict[int, str | None] = OrderedDict()
        self._paid_at = 0.0  # monotonic seconds: when the share of the time has made up for all searches so far

    def learn(self, cgroup_id: int, path: str | None) -> None:
        """Keep a path that was found elsewhere, or None for a group that has none."""
        self._paths[cgroup_id] = path
        self._paths.move_to_end(cgroup_id)
        if len(self._paths) > _MOST_PATHS:
            self._paths.popitem(last=False)

    def path(self, cgroup_id: int) -> str | None:
        """The path of a group, as /proc/PID/cgroup would show it; None where it is not found, or not looked for."""
        if cgroup_id not in self._paths and self._root is not None:
            now = time.monotonic()
            if self._paid_at - now >= _MOST_AT_ONCE / _MOST_SHARE:
                return None  # and not kept, since a later search may find it
            self.learn(cgroup_id, _search(self._root, cgroup_id))
            self._paid_at = max(self._paid_at, now) + (time.monotonic() - now) / _MOST_SHARE
        return self._paths.get(cgroup_id)


def _search(root: str, cgroup_id: int) -> str | None:
    """The path of the directory with this inode number below `root`, level by level.

    Users can nest groups as deep and make as many as they like in what systemd hands out to them: so no recursion,
    and no more than so many directories, the outer ones first.
    """
    folders = deque([""])
    for _ in range(_MOST_FOLDERS):
        if not folders:
            break
        folder = folders.popleft()
        try:
            with os.scandir(root + folder) as entries:
                for entry in entries:
                    if entry.inode() == cgroup_id:
                        return f"{folder}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(f"{folder}/{entry.name}")
        except OSError:
            continue  # gone meanwhile, or deeper than a path can tell
    return None
