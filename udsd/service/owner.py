"""Who holds a socket or a lock: for the error that must name it.

The kernel lists UNIX sockets by name with an inode each (/proc/net/unix), and a process that has one open
shows it in /proc/PID/fd. That is readable for root and for the owner of the process; anybody else gets
no answer here, and the error says less.
"""

import os
import re
from collections.abc import Iterator

_INODE, _PATH = 6, 7  # columns of /proc/net/unix, see proc(5)


def process(pid: int) -> str:
    """`pid N (name)`, or `pid N` where the process is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="backslashreplace") as comm:
            return f"pid {pid} ({comm.read().rstrip()})"
    except OSError:
        return f"pid {pid}"


def lock_holder(descriptor: int) -> str:
    """The process that holds a lock on this open file, as text; empty where that cannot be seen."""
    inode = os.fstat(descriptor).st_ino
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            holders = re.findall(rf": FLOCK +\w+ +\w+ +(\d+) \S+:{inode} ", locks.read())
    except OSError:  # no /proc, or one that shows processes alone
        return ""
    return process(int(holders[0])) if holders and holders[0] != "0" else ""


def owner_of(path: str) -> str:
    """The processes that have the socket `path` open, as text; empty where that cannot be seen."""
    try:
        links = {f"socket:[{inode}]" for inode in _inodes(path)}
        holders = sorted(pid for pid, link in _open_files() if link in links)
    except OSError:  # as above
        return ""
    return ", ".join(process(pid) for pid in dict.fromkeys(holders))


def _inodes(path: str) -> Iterator[str]:
    names = (path, os.path.abspath(path))
    with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
        for row in table:
            columns = row.rstrip("\n").split(maxsplit=_PATH)
            if len(columns) > _PATH and columns[_PATH] in names:
                yield columns[_INODE]


def _open_files() -> Iterator[tuple[int, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                yield int(pid), os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            continue  # gone meanwhile, or not ours to look at
