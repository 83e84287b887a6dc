"""Levels and facilities of syslog, by number and by name (syslog(3); RFC 5424, section 6.2.1).

The names are those that logger(1) takes; `formats.json` has the levels of other loggers. The client loads this too, so
it imports nothing.
"""

EMERG, ALERT, CRIT, ERR, WARNING, NOTICE, INFO, DEBUG = range(8)
HIGHEST_LEVEL = DEBUG

USER = 1
HIGHEST_FACILITY = 23

# In the order of their numbers; aliases come last.
LEVELS = {
    "emerg": EMERG,
    "alert": ALERT,
    "crit": CRIT,
    "err": ERR,
    "warning": WARNING,
    "notice": NOTICE,
    "info": INFO,
    "debug": DEBUG,
    "panic": EMERG,
    "error": ERR,
    "warn": WARNING,
}

# 12 to 15 have no names in syslog(3).
FACILITIES = {
    "kern": 0, "user": USER, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
    "cron": 9, "authpriv": 10, "ftp": 11,
    **{f"local{number}": 16 + number for number in range(8)},
    "security": 4,
}  # fmt: skip


def pri(facility: int = USER, level: int = INFO) -> int:
    """Facility and level as the number N (0 to 191) that begins a syslog message as `<N>`."""
    return facility * 8 + level


def split_pri(number: int) -> tuple[int, int]:
    """The facility and the level in a `pri`."""
    return divmod(number, 8)


DEFAULT_PRI = pri()  # user.info
