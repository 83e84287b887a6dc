"""What the path of a control group says: the unit, the slice and the session of the processes in it.

systemd names control groups after its units, and nobody but systemd makes them above the ones it hands out. So
only the outermost unit of a path says something about the system, whatever its owner has made below it:

1. Slices come first (`a.slice`); the first name that is not a slice is the unit. A leading `_` escapes a name.
2. Below `user@UID.service` the same is true once more, for the units of that user's own service manager.
3. A path that leads out of our own view (`/../`), and one without a unit, says nothing.
4. ` (deleted)` behind a path stays, since it can be a part of the name as well: it never makes another group's path.
"""

import re

from udsd.journal.entry import Field

_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+\.(service|scope|socket|mount|swap)")
_USER_MANAGER = re.compile(r"user@([0-9]+)\.service")
_SESSION = re.compile(r"session-(\w+)\.scope")
_USER_SLICE = re.compile(r"user-([0-9]+)\.slice")


def _split(names: list[str]) -> tuple[list[str], str, list[str]]:
    """The slices at the front, the unit behind them or ``, and the rest."""
    depth = 0
    while depth < len(names) and names[depth].endswith(".slice"):
        depth += 1
    unit = names[depth].removeprefix("_") if depth < len(names) else ""
    return names[:depth], unit if _UNIT.fullmatch(unit) else "", names[depth + 1 :]


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
