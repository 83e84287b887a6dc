"""The options of `udsd-send`, apart from it since most calls have none and argparse costs 6 ms.

Letters and long names are those of `logger` where it has them.
"""

import argparse
import os
from _collections_abc import Sequence
from typing import NamedTuple, NoReturn

from udsd import __version__
from udsd.argparser import Parser
from udsd.errors import UdsdError


class Options(NamedTuple):
    """What a command line says. `message` is its words; `timeout` is 0 where a full queue is not waited for."""

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
        raise UdsdError(
            f"-p {text}: {word.lower()!r} is not a {what}",
            hint=f"-p FACILITY.LEVEL, or -p LEVEL; a {what} is one of {' '.join(names)}, or 0 to {highest}",
            status=os.EX_USAGE,
        )
    return number


def _field(text: str) -> tuple[str, bytes]:
    from udsd.send.field import field

    return field(text)


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


# argparse names the type in its errors by this.
_seconds.__name__ = "number of seconds"
_per_second.__name__ = "number per second"
_count.__name__ = "number of datagrams"
_pid.__name__ = "process id"


class _RefuseSize(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        raise UdsdError(
            "-S: udsd never cuts a message: what is longer than the kernel lets a datagram be is an error",
            hint="leave -S out; net.core.wmem_default is what decides how long a datagram may be",
            status=os.EX_USAGE,
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
    """The words, those of a tag as one. A tag may begin with a dash, as `$0` of a login shell does, and argparse takes
    that for an option.
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


def parse(words: Sequence[str]) -> Options:
    """The options and the message of a command line. Raises UdsdError for what makes no sense."""
    parser = _parser()
    # argparse would take what is behind `--` for options again, where it allows words and options mixed, and the word
    # behind a bare `--id` for its value.
    words = _with_tag_joined(words)
    end = words.index("--") if "--" in words else len(words)
    told = parser.parse_intermixed_args(["-i" if word == "--id" else word for word in words[:end]])
    message = told.message + words[end + 1 :]
    if told.file is not None and message:
        parser.error("words, and a file with -f: there can be only one of them")
    if told.count is not None and not message:
        parser.error("-n needs words to send")
    if told.wait is False and told.timeout is not None:
        parser.error("--no-wait does not wait, so --timeout makes no sense with it")
    return Options(
        socket=told.socket,
        timeout=0 if told.wait is False else told.timeout,
        json=told.json,
        pri=told.priority,
        tag=told.tag,
        pid=told.id or (b"%d" % os.getpid() if told.own_pid else b""),
        fields=tuple(told.field or ()),
        file=told.file,
        skip_empty=told.skip_empty,
        stderr=told.stderr,
        times=told.count,
        rate=told.rate,
        done=told.done,
        message=os.fsencode(" ".join(message)) if message else None,
    )
