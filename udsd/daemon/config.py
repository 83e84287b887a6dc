"""Settings of the command line as values: the sockets, who may stop the daemon, the rate limit, and so on."""

import grp
import math
import os
import pwd
from collections.abc import Sequence
from typing import NamedTuple

from udsd import address, formats
from udsd.daemon.rate_limit import Limit
from udsd.daemon.stop import StopPolicy
from udsd.errors import UdsdError

# The number and the seconds are journald's own default for a unit. 10,000 messages of 1 KiB are 10 MiB; the size is
# three times that. At this size one account needs an hour to fill 4 GiB, the most that journald uses by default.
DEFAULT_LIMIT = Limit(10_000, 30.0, 32 << 20)


_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Listen(NamedTuple):
    """A socket to bind: its path, or `@name`, and the name of the format of its datagrams."""

    path: str
    form: str

    def absolute(self) -> "Listen":
        """The same socket for a process with another working directory."""
        return self if self.path.startswith("@") else self._replace(path=os.path.abspath(self.path))


class Config(NamedTuple):
    """Settings. Without options, `listens` is empty and `mode` is None.

    `sink` is `auto`, `journal` or `console`; `interval` is the number of seconds between two reports of the counters,
    infinite for none; `output`, `metrics` and `pidfile` are paths.
    """

    listens: tuple[Listen, ...]
    mode: int | None
    sink: str
    output: str | None
    stop_from: StopPolicy
    limit: Limit
    cmdline: bool
    interval: float
    metrics: str | None
    detach: bool
    pidfile: str | None


def parse_listen(words: str) -> Listen:
    """Parse `[FORMAT:]PATH`. Words that begin like a path (`/`, `.`, `@`) are a path without a format.

    Raises UdsdError for an unknown format, and for a path that no socket can have.
    """
    name, colon, path = words.partition(":")
    if not colon or words.startswith(("/", ".", "@")):
        name, path = formats.DEFAULT, words
    if name not in formats.NAMES:
        raise UdsdError(
            f"--listen {words}: there is no format {name!r}; known: {', '.join(formats.NAMES)}",
            hint=f"if it is a part of the path, write ./{words}",
            status=os.EX_USAGE,
        )
    address.encode(path)
    return Listen(path, name)


def default_listen() -> Listen:
    """The system's socket for root, the user's own socket for other users.

    Raises UdsdError if a user has no runtime directory.
    """
    path = address.SYSTEM_SOCKET if os.geteuid() == 0 else address.user_socket()
    if path is None:
        raise UdsdError(
            "systemd passed no socket, and XDG_RUNTIME_DIR is not set",
            hint="start the socket unit, or name a socket with --listen PATH",
            status=os.EX_USAGE,
        )
    address.encode(path)
    return Listen(path, formats.DEFAULT)


def sink_for(sink: str, output: str | None) -> str:
    """The sink that goes with --output: the console. Raises UdsdError for --sink journal with --output."""
    if output is None:
        return sink
    if sink == "journal":
        raise UdsdError("--output is for --sink console", hint="leave one of them out", status=os.EX_USAGE)
    return "console"


def parse_mode(text: str) -> int:
    """Parse permissions in octal. Raises ValueError for anything else."""
    mode = int(text, 8)
    if not 0 <= mode <= 0o777:
        raise ValueError
    return mode


def parse_limit(text: str) -> Limit:
    """Parse `N[,SIZE]/SECONDS`, or `off`. SIZE is in bytes, or with K, M or G at its end in KiB, MiB or GiB.

    Raises ValueError for anything else.
    """
    if text == "off":
        return Limit(math.inf, DEFAULT_LIMIT.seconds)
    most, _, seconds = text.partition("/")
    number, comma, size = most.partition(",")
    limit = Limit(int(number), float(seconds), _size(size) if comma else DEFAULT_LIMIT.size)
    if limit.number < 1 or limit.size < 1 or not 0 < limit.seconds < math.inf:
        raise ValueError
    return limit


def _size(text: str) -> int:
    unit = _UNITS.get(text[-1:], 1)
    return int(text[:-1] if unit > 1 else text) * unit


def parse_seconds(text: str) -> float:
    """Parse a number of seconds, at least 1. Raises ValueError for anything else."""
    seconds = float(text)
    if not 1 <= seconds < math.inf:
        raise ValueError
    return seconds


def stop_policy(names: Sequence[str] | None) -> StopPolicy:
    """The users and groups of --stop-from, by number. None means root and udsd's own user.

    Raises UdsdError for a user or group that does not exist.
    """
    if names is None:
        return StopPolicy(frozenset((0, os.geteuid())))
    uids: set[int] = set()
    gids: set[int] = set()
    for name in names:
        try:
            if name.startswith("@"):
                group = grp.getgrnam(name[1:])
                gids.add(group.gr_gid)
                uids.update(entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in group.gr_mem)
            elif name != "none":
                uids.add(pwd.getpwnam(name).pw_uid)
        except KeyError as error:
            raise UdsdError(
                f"--stop-from {name}: {error.args[0]}", hint="name a user, an @group, or none", status=os.EX_NOUSER
            ) from error
    return StopPolicy(frozenset(uids), frozenset(gids))
