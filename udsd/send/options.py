"""The options of `udsd-send`, and the values that they accept.

A module of its own, since most calls have no options. Letters and long names follow logger(1) where it has the option.
"""

import os
import sys
from _collections_abc import Callable

from udsd import __version__
from udsd.errors import UdsdError
from udsd.send.command_line import CommandLine, Option

# Fields that are not set with -F, and how they are set.
_NOT_WITH_F = {
    "MESSAGE": "the words or the lines are the message",
    "PRIORITY": "use -p",
    "SYSLOG_FACILITY": "use -p",
    "SYSLOG_IDENTIFIER": "use -t",
    "SYSLOG_PID": "use -i or --id=PID",
    **dict.fromkeys(
        ("MESSAGE_PART_OF", "MESSAGE_PART", "MESSAGE_PARTS"), "udsd-send sets it in the parts of a long message"
    ),
}


class Options:
    """The settings of a command line.

    `message` is its words, None if there are none. `pri` is as `priorities.pri` makes it. `timeout` is in seconds:
    0 does not wait, None waits without limit. `times` is how often to send the words. `rate` is datagrams per second.
    """

    socket: str | None = None
    timeout: float | None = None
    wait = True
    json = False
    pri: int | None = None
    tag = b""
    pid = b""
    fields: tuple[tuple[str, bytes], ...] = ()
    file: str | None = None
    skip_empty = False
    stderr = False
    times: int | None = None
    rate: float | None = None
    done = False
    message: bytes | None = None

    def set(self, name: str, convert: Callable[[str], object]) -> Callable[[str], None]:
        """Return a function that sets an attribute to the converted value of an option."""
        return lambda value: setattr(self, name, convert(value))

    def switch(self, name: str, on: bool = True) -> Callable[[str], None]:
        """Return a function that sets an attribute if an option is given."""
        return lambda _: setattr(self, name, on)

    def add_field(self, text: str) -> None:
        """Add the field of an option -F."""
        self.fields = (*self.fields, _field(text))


def _pri(text: str) -> int:
    """The `pri` of `facility.level`, or of `level` for facility user; each a name or a number."""
    from udsd import priorities

    facility, dot, level = text.rpartition(".")
    return priorities.pri(
        _number(text, "facility", facility, priorities.FACILITIES, priorities.HIGHEST_FACILITY)
        if dot
        else priorities.USER,
        _number(text, "level", level, priorities.LEVELS, priorities.HIGHEST_LEVEL),
    )


def _number(text: str, what: str, word: str, names: dict[str, int], highest: int) -> int:
    """The number that a word of `text` stands for."""
    if word.isascii() and word.isdigit() and len(word) < 4 and int(word) <= highest:
        return int(word)
    number = names.get(word.lower())
    if number is None:
        raise _wrong(
            f"-p {text}: {word.lower()!r} is not a {what}",
            f"-p FACILITY.LEVEL, or -p LEVEL; a {what} is one of {' '.join(names)}, or 0 to {highest}",
        )
    return number


def _field(text: str) -> tuple[str, bytes]:
    """Name and value of `NAME=VALUE`. Raises UdsdError for a field that -F does not set, or that no sender may set."""
    from udsd import field_names

    name, equals, value = text.partition("=")
    proper = field_names.sanitize(name)
    if not equals:
        raise _wrong(f"-F {text}: there is no = in it", "-F NAME=VALUE")
    if proper in _NOT_WITH_F:
        raise _wrong(f"-F {name}: this is not set with -F", _NOT_WITH_F[proper])
    if field_names.settable(name):
        return name, os.fsencode(value)
    if name and not name[0].isdigit() and field_names.settable(f"X_{name}"):
        what = "only journald, systemd and udsd set this field"
    else:
        what = (
            f"not the name of a field: A to Z, 0 to 9 and _, a letter first, at most {field_names.LONGEST} characters"
        )
    raise _wrong(f"-F {name}: {what}", f"call it {proper}" if name else "-F NAME=VALUE")


def _wrong(what: str, hint: str) -> UdsdError:
    return UdsdError(what, hint=hint, status=os.EX_USAGE)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 1e6:
        raise ValueError
    return seconds


def _per_second(text: str) -> float:
    rate = float(text)
    if not 1e-6 <= rate <= 1e9:
        raise ValueError
    return rate


def _count(text: str) -> int:
    count = int(text)
    if not 0 < count < 1 << 63:
        raise ValueError
    return count


def _pid(text: str) -> bytes:
    if not text:
        return b"%d" % os.getpid()
    if not 0 < int(text) < 1 << 31:
        raise ValueError
    return b"%d" % int(text)


def _refuse_size(_: str) -> None:
    raise _wrong(
        "-S: udsd never cuts a message; one that is too long for a datagram is sent in parts, with nothing lost",
        "leave -S out",
    )


def _print(text: str) -> None:
    sys.stdout.write(text)
    raise SystemExit(os.EX_OK)


_BEFORE = """\
usage: udsd-send [OPTION]... [MESSAGE]...

Send a message to udsd: one datagram for the words, with single spaces between,
or one for each line of standard input.
"""
_BEHIND = """
Without -u the socket is $UDSD_SOCKET, else the system's, else the user's. With
-p, -t, -i or -F datagrams are RFC 5424, for sockets of format auto or syslog;
with --json, for those of format json. Without any of them a datagram is the
message, byte for byte. Long options can be shortened.
"""


def _groups(to: Options) -> dict[str, list[Option]]:
    """The options by group. They write their values to `to`."""
    return {
        "fields of a message": [
            Option("-p, --priority FACILITY.LEVEL", to.set("pri", _pri), "or LEVEL alone, for facility user"),
            Option("-t, --tag TAG", to.set("tag", os.fsencode), "the identifier"),
            Option("-i", to.set("pid", _pid), "the process id of this udsd-send"),
            Option("--id=ID", to.set("pid", _pid), "this process id; --id alone is the same as -i", "process id"),
            Option("-F, --field NAME=VALUE", to.add_field, "a journal field; may be repeated"),
            Option("--json", to.switch("json"), "each datagram one JSON object"),
        ],
        "what to send": [
            Option("-f, --file FILE", to.set("file", str), "each line of FILE; - for standard input"),
            Option("-e, --skip-empty", to.switch("skip_empty"), "skip empty lines"),
            Option("-n, --count COUNT", to.set("times", _count), "the words, COUNT times", "number of datagrams"),
            Option("--done", to.switch("done"), "send DONE last, which stops udsd if you may"),
            Option("-S, --size SIZE", _refuse_size, "refused: a message is never cut"),
        ],
        "how to send": [
            Option("-u, --socket PATH", to.set("socket", str), "the socket to send to; @NAME for an abstract one"),
            Option("--wait", to.switch("wait"), "wait for room in a full queue, as is the default"),
            Option("--no-wait", to.switch("wait", on=False), "give up when the queue is full"),
            Option(
                "--timeout SECONDS",
                to.set("timeout", _seconds),
                "give up if the queue has no room for this time",
                "number of seconds",
            ),
            Option("--rate N", to.set("rate", _per_second), "spread datagrams, N a second", "number per second"),
            Option("-s, --stderr", to.switch("stderr"), "print each message to standard error, too"),
        ],
        "what else": [
            Option("-h, --help", lambda _: _print(_help()), "print this"),
            Option("-V, --version", lambda _: _print(f"udsd-send {__version__}\n"), "print the version"),
        ],
    }


def _help() -> str:
    groups = _groups(Options())
    lines = (f"\n{title}:\n" + "".join(option.help() for option in options) for title, options in groups.items())
    return _BEFORE + "".join(lines) + _BEHIND


def read_command_line(words: list[str]) -> Options:
    """The options and the message of a command line. Raises UdsdError for an invalid one."""
    found = Options()
    line = CommandLine("udsd-send", [option for group in _groups(found).values() for option in group])
    message = line.read(words)
    if message:
        found.message = os.fsencode(" ".join(message))
    if found.file is not None and message:
        raise line.wrong("words, and a file with -f: there can be only one of them")
    if found.times is not None and not message:
        raise line.wrong("-n needs words to send")
    if not found.wait:
        if found.timeout is not None:
            raise line.wrong("--no-wait does not wait, so --timeout makes no sense with it")
        found.timeout = 0
    return found
