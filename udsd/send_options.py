"""The options of `udsd-send`, apart from it since most calls have none and argparse costs 6 ms."""

from udsd import __version__
from udsd.options import Parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 1e6:
        raise ValueError
    return seconds


_seconds.__name__ = "number of seconds"  # argparse names the type in its errors by this


def parse(words: list[str]) -> tuple[str | None, float | None, list[str]]:
    """Socket, time-out in seconds, and message words. Raises UdsdError for what is not an option."""
    parser = Parser(
        prog="udsd-send",
        description="Send a message to udsd: one datagram for the words, or one for each line of standard input.",
        epilog="Without -u the socket is $UDSD_SOCKET, else the system's, else the user's.",
        allow_abbrev=False,
    )
    parser.add_argument("-u", metavar="PATH", help="the socket to send to; @NAME for an abstract one")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="give up when the queue has no room for so long (default: wait)",
    )
    parser.add_argument("--version", action="version", version=f"udsd-send {__version__}")
    parser.add_argument("message", metavar="MESSAGE", nargs="*", help="words, sent with single spaces between")
    # argparse would take what is behind `--` for options again, where it allows words and options mixed.
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_intermixed_args(words[:end])
    return options.u, options.timeout, options.message + words[end + 1 :]
