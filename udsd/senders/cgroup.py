"""Control groups: the path of a process's group, and the unit, slice and session that it names.

systemd names control groups after its units, and only systemd makes groups above those that it delegates. The owner of
a delegated group can make any groups below it. So only the outermost unit of a path is certain:

1. Slices come first (`a.slice`); the first name that is not a slice is the unit. A leading `_` escapes a name.
2. Below `user@UID.service` the same rule holds again, for the units of that user's service manager.
3. A path that leads out of our own view (`/../`) gives no fields. If udsd is in a container that has the host's tree
   mounted, the id of the group still gives its path. A path without a unit gives no unit.
4. ` (deleted)` at the end of a path stays. A group's name can end like this, so without it the path could be another
   group's.
"""

import os
import re
import time
from collections import OrderedDict, deque
from contextlib import suppress
from functools import lru_cache

from udsd.journal.entry import Field

_MOST_PATHS = 1024
_MOST_TEXTS = 128
_MOST_DIRECTORIES = 10_000
_MOST_MEMBERS_BYTES = 512  # some 64 pids
_MOST_AT_ONCE = 1.0  # seconds that searches for groups may take without a pause
_MOST_SHARE = 0.05  # of the time, that searches may take in the long run
ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")  # where cgroup2 is mounted; the second on hybrid hosts

_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+\.(service|scope|socket|mount|swap)")
_USER_MANAGER = re.compile(r"user@([0-9]+)\.service")
_SESSION = re.compile(r"session-(\w+)\.scope")
_USER_SLICE = re.compile(r"user-([0-9]+)\.slice")


def _split(names: list[str]) -> tuple[list[str], str, list[str]]:
    """The slices at the front, the unit after them (empty if there is none), and the rest."""
    depth = 0
    while depth < len(names) and names[depth].endswith(".slice"):
        depth += 1
    unit = names[depth].removeprefix("_") if depth < len(names) else ""
    return names[:depth], unit if _UNIT.fullmatch(unit) else "", names[depth + 1 :]


@lru_cache(_MOST_TEXTS)  # short-lived processes of one unit all have the same
def fields_of(path: str) -> tuple[Field, ...]:
    """The OBJECT_SYSTEMD_* fields of systemd.journal-fields(7) for a path as /proc/PID/cgroup shows it."""
    names = path.split("/")[1:]
    if not path.startswith("/") or ".." in names:
        return ()
    slices, unit, rest = _split(names)
    found = {"OBJECT_SYSTEMD_CGROUP": path, "OBJECT_SYSTEMD_UNIT": unit}
    found["OBJECT_SYSTEMD_SLICE"] = slices[-1] if slices else "-.slice" if unit else ""
    owner = _USER_MANAGER.fullmatch(unit) or next(filter(None, map(_USER_SLICE.fullmatch, reversed(slices))), None)
    if owner:
        found["OBJECT_SYSTEMD_OWNER_UID"] = owner[1]
    if session := _SESSION.fullmatch(unit):
        found["OBJECT_SYSTEMD_SESSION"] = session[1]
    if _USER_MANAGER.fullmatch(unit):
        found["OBJECT_SYSTEMD_USER_UNIT"] = _split(rest)[1]
    return tuple((name, value.encode(errors="surrogateescape")) for name, value in found.items() if value)


@lru_cache(_MOST_TEXTS)
def path_in(table: bytes) -> str | None:
    """The path of the group in which systemd keeps a process, from the text of /proc/PID/cgroup (cgroups(7)).

    None if there is none, or if it leads out of our own view.
    It is the path in cgroup2, unless systemd uses a cgroup1 hierarchy and leaves all processes in cgroup2's root.
    """
    paths = {}
    # Split at newlines only, which the kernel does not allow in names. splitlines() would also split at characters that
    # users can put into names.
    for row in table.decode(errors="surrogateescape").split("\n"):
        _, _, named_path = row.partition(":")
        controllers, colon, path = named_path.partition(":")
        if colon:
            paths[controllers] = path
    unified, named = paths.get(""), paths.get("name=systemd")
    kept = named if unified in (None, "/") and named else unified
    return None if kept is None or ".." in kept.split("/") else kept


class CgroupPaths:
    """The paths of control groups by their ids, which are the inode numbers of their directories.

    An id is never used twice, so a path stays valid when its group is gone; the latest 1,024 paths are kept. For any
    other id the tree is searched: a group that was removed before the search has no path. Failed searches are cached
    too, even those that gave up early: an entry may lack a path, but the path is never guessed.

    Users can make the tree large, and remove groups as fast as they like. So searches have a budget of time. When it is
    used up, there is no search. A pause after each search would be simpler, but then only the first of many short-lived
    units that start together would be named.
    """

    def __init__(self) -> None:
        self._root = next((root for root in ROOTS if os.path.exists(f"{root}/cgroup.procs")), None)
        self._paths: OrderedDict[int, str | None] = OrderedDict()
        self._users: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._paid_at = 0.0  # monotonic seconds: by then all searches so far are within their share of the time

    def learn(self, cgroup_id: int, path: str | None) -> None:
        """Cache a path that was found elsewhere, or None for a group without a path."""
        self._paths[cgroup_id] = path
        self._paths.move_to_end(cgroup_id)
        if len(self._paths) > _MOST_PATHS:
            self._paths.popitem(last=False)

    def known(self, cgroup_id: int) -> str | None:
        """The path of a group if it is cached."""
        return self._paths.get(cgroup_id)

    def learn_if_true(self, cgroup_id: int, path: str) -> None:
        """Cache the path that a process in the group gave, if the directory there is this group.

        The process may have moved in between. And where systemd uses a cgroup1 hierarchy, the processes of all units
        are in cgroup2's root, which then proves nothing.
        """
        if self._root is None or path == "/":
            return
        with suppress(OSError):
            if os.stat(self._root + path).st_ino == cgroup_id:
                self.learn(cgroup_id, path)

    def learn_user(self, cgroup_id: int, uid: int) -> None:
        """Note that a user has or had a process in a group."""
        self._users[cgroup_id, uid] = None
        if len(self._users) > _MOST_PATHS:
            self._users.popitem(last=False)

    def has_user(self, cgroup_id: int, uid: int) -> bool:
        """Whether a user is known to have had a process in a group, or has one now. Always true for root."""
        if uid == 0 or (cgroup_id, uid) in self._users:
            return True
        path = self._paths.get(cgroup_id)
        if path is None or self._root is None or not any(_owner(pid) == uid for pid in members(self._root + path)):
            return False
        self.learn_user(cgroup_id, uid)
        return True

    def path(self, cgroup_id: int) -> str | None:
        """The path of a group, as /proc/PID/cgroup would show it; None if it is not found or was not searched for."""
        if cgroup_id not in self._paths and self._root is not None:
            now = time.monotonic()
            if self._paid_at - now >= _MOST_AT_ONCE / _MOST_SHARE:
                return None  # not cached, since a later search may find it
            self.learn(cgroup_id, _search(self._root, cgroup_id))
            self._paid_at = max(self._paid_at, now) + (time.monotonic() - now) / _MOST_SHARE
        return self._paths.get(cgroup_id)


def members(directory: str) -> list[str]:
    """The pids of some processes in a group."""
    try:
        with open(f"{directory}/cgroup.procs", encoding="ascii") as procs:
            return procs.read(_MOST_MEMBERS_BYTES).split("\n")[:-1]
    except OSError:
        return []


def _owner(pid: str) -> int | None:
    """The user of a process."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _search(root: str, cgroup_id: int) -> str | None:
    """Search below `root`, level by level, for the directory with this inode number; its path.

    Users can nest groups as deep and make as many as they like in the groups that systemd delegates to them. So there
    is no recursion, and the number of directories is limited, the outer ones first.
    """
    directories = deque([""])
    for _ in range(_MOST_DIRECTORIES):
        if not directories:
            break
        directory = directories.popleft()
        try:
            with os.scandir(root + directory) as entries:
                for entry in entries:
                    if entry.inode() == cgroup_id:
                        return f"{directory}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(f"{directory}/{entry.name}")
        except OSError:
            continue  # removed meanwhile, or deeper than the longest path
    return None
