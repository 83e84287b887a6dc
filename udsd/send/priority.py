"""Facilities and levels by the names that `logger` knows them by (syslog(3), RFC 5424, 6.2.1)."""

import os
from typing import NamedTuple

from udsd.errors import UdsdError

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("", "", "", ""),  # 12 to 15 have no names here
    *(f"local{number}" for number in range(8)),
)

_OTHER_LEVELS = {"panic": 0, "error": 3, "warn": 4}
_OTHER_FACILITIES = {"security": 4}
_USER = 1


class Priority(NamedTuple):
    """A facility (0 to 23) and a level (0 to 7)."""

    facility: int
    level: int

    @property
    def pri(self) -> int:
        """Both as one number, as it stands at the front of a syslog message."""
        return self.facility * 8 + self.level


def priority(text: str) -> Priority:
    """Read `facility.level`, or `level` for facility user; each a name or a number. Raises UdsdError otherwise."""
    facility, dot, level = text.rpartition(".")
    return Priority(
        _number(text, "facility", facility, FACILITIES, _OTHER_FACILITIES) if dot else _USER,
        _number(text, "level", level, LEVELS, _OTHER_LEVELS),
    )


def _number(text: str, what: str, name: str, names: tuple[str, ...], others: dict[str, int]) -> int:
    if name.isascii() and name.isdigit() and len(name) < 4 and int(name) < len(names):
        return int(name)
    name = name.lower()
    if name in others:
        return others[name]
    if name and name in names:
        return names.index(name)
    known = " ".join((*filter(None, names), *others))
    raise UdsdError(
        f"-p {text}: {name!r} is not a {what}",
        hint=f"-p FACILITY.LEVEL, or -p LEVEL; a {what} is one of {known}, or 0 to {len(names) - 1}",
        status=os.EX_USAGE,
    )
