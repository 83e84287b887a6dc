"""The options of `udsd-send`: what they are, and what their values may be.

A module of its own, since most calls have no options and argparse costs 6 ms. Letters and long names are those of
logger(1) where it has them.
"""

import argparse
import os
from _collections_abc import Sequence
from typing import NamedTuple, NoReturn

from udsd import __version__
from udsd.argparser import Parser
from udsd.errors import UdsdError

# Fields that are not set with -F, and how they are set.
_NOT_WITH_F = {
    "MESSAGE": "the words or the lines are the message",
    "PRIORITY": "use -p",
    "SYSLOG_FACILITY": "use -p",
    "SYSLOG_IDENTIFIER": "use -t",
    "SYSLOG_PID": "use -i or --id=PID",
}


class Options(NamedTuple):
    """What a command line says.

    `message` is its words, None where there are none. `pri` is as `priorities.pri` makes it. `timeout` is in seconds:
    0 does not wait, None waits without limit. `times` is how often to send the words. `rate` is datagrams a second.
    """

    socket: str | None
    timeout: float | None
    json: bool
    pri: int | None
    tag: bytes
    pid: bytes
    fields: tuple[tuple[str, bytes], ...]
    file: str | None
    skip_empty: bool
    stderr: bool
    times: int | None
    rate: float | None
    done: bool
    message: bytes | None


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
    """Name and value of `NAME=VALUE`. Raises UdsdError where -F does not set such a field, or nobody may."""
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
    if not 0 < int(text) < 1 << 31:
        raise ValueError
    return b"%d" % int(text)


# argparse uses these names in its errors.
_seconds.__name__ = "number of seconds"
_per_second.__name__ = "number per second"
_count.__name__ = "number of datagrams"
_pid.__name__ = "process id"


class _RefuseSize(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        raise _wrong(
            "-S: udsd never cuts a message; one that is longer than the kernel lets a datagram be is an error",
            "leave -S out; net.core.wmem_default decides how long a datagram may be",
        )


def _parser() -> Parser:
    parser = Parser(
        prog="udsd-send",
        usage="%(prog)s [OPTION]... [MESSAGE]...",
        description="Send a message to udsd: one datagram for the words, or one for each line of standard input.",
        epilog="Without -u the socket is $UDSD_SOCKET, else the system's, else the user's. With -p, -t, -i or -F "
        "datagrams are RFC 5424, for sockets of format auto or syslog; with --json, for those of format json. "
        "Without any of them a datagram is the message, byte for byte.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("message", metavar="MESSAGE", nargs="*", help="words, sent with single spaces between")

    say = parser.add_argument_group("what to say of a message").add_argument
    say("-p", "--priority", metavar="FACILITY.LEVEL", type=_pri, help="or LEVEL alone, for facility user")
    say("-t", "--tag", metavar="TAG", type=os.fsencode, default=b"", help="the identifier")
    say("-i", dest="own_pid", action="store_true", help="the process id of this udsd-send")
    say("--id", metavar="ID", type=_pid, help="this process id, as --id=ID; --id alone is the same as -i")
    say("-F", "--field", metavar="NAME=VALUE", type=_field, action="append", help="a journal field; may be repeated")
    say("--json", action="store_true", help="each datagram one JSON object")

    what = parser.add_argument_group("what to send").add_argument
    what("-f", "--file", metavar="FILE", help="each line of FILE; - for standard input")
    what("-e", "--skip-empty", action="store_true", help="skip empty lines")
    what("-n", "--count", metavar="COUNT", type=_count, help="the words, COUNT times")
    what("--done", action="store_true", help="send DONE behind all else, which stops udsd if you may")
    what("-S", "--size", metavar="SIZE", action=_RefuseSize, help="refused: a message is never cut")

    how = parser.add_argument_group("how to send").add_argument
    how("-u", "--socket", metavar="PATH", help="the socket to send to; @NAME for an abstract one")
    how(
        "--wait", action=argparse.BooleanOptionalAction, help="wait for room in a full queue, as is the default, or not"
    )
    how("--timeout", metavar="SECONDS", type=_seconds, help="give up when the queue has no room for so long")
    how("--rate", metavar="N", type=_per_second, help="spread datagrams, N a second")
    how("-s", "--stderr", action="store_true", help="print each message to standard error, too")

    add("-V", "--version", action="version", version=f"udsd-send {__version__}")
    return parser


def _with_tag_joined(words: Sequence[str]) -> list[str]:
    """The words, each tag joined to its option.

    A tag may begin with a dash, as `$0` of a login shell does, and argparse would take that for an option.
    """
    rest, joined = iter(words), []
    for word in rest:
        if word in ("-t", "--tag"):
            tag = next(rest, None)
            joined.append(word if tag is None else f"--tag={tag}")
        else:
            joined.append(word)
        if word == "--":
            break
    return [*joined, *rest]


def read_command_line(words: Sequence[str]) -> Options:
    """The options and the message of a command line. Raises UdsdError for one that makes no sense."""
    parser = _parser()
    # Where words and options are mixed, argparse would take words after `--` for options again. It would also take the
    # word after a bare `--id` for its value.
    words = _with_tag_joined(words)
    end = words.index("--") if "--" in words else len(words)
    found = parser.parse_intermixed_args(["-i" if word == "--id" else word for word in words[:end]])
    message = found.message + words[end + 1 :]
    if found.file is not None and message:
        parser.error("words, and a file with -f: there can be only one of them")
    if found.count is not None and not message:
        parser.error("-n needs words to send")
    if found.wait is False and found.timeout is not None:
        parser.error("--no-wait does not wait, so --timeout makes no sense with it")
    return Options(
        socket=found.socket,
        timeout=0 if found.wait is False else found.timeout,
        json=found.json,
        pri=found.priority,
        tag=found.tag,
        pid=found.id or (b"%d" % os.getpid() if found.own_pid else b""),
        fields=tuple(found.field or ()),
        file=found.file,
        skip_empty=found.skip_empty,
        stderr=found.stderr,
        times=found.count,
        rate=found.rate,
        done=found.done,
        message=os.fsencode(" ".join(message)) if message else None,
    )
