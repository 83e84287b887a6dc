"""The terminal of `udsd-send`: the prompt, the progress, and standard error.

Writing to standard error never fails: a message that could be sent must not be lost to a broken terminal.
"""

import os
import sys
from _collections_abc import Callable, Iterator
from io import TextIOWrapper
from time import monotonic

from udsd.address import STOP

_FIRST_SECONDS = 1.0  # a call that is over by then shows no progress
_SECONDS = 0.5  # between two updates


def typed_lines() -> Iterator[bytes]:
    """Each line typed at a prompt, up to and including DONE, or to the end of input.

    Lines can be edited, and earlier lines of the session recalled.
    """
    import readline

    readline.set_auto_history(True)  # its presence alone gives input() line editing
    assert isinstance(sys.stdin, TextIOWrapper)
    sys.stdin.reconfigure(errors="surrogateescape")
    while True:
        try:
            message = os.fsencode(input("> "))
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return
        yield message
        if message == STOP:
            return


class Progress:
    """One line on standard error that shows how much was sent. `close` removes it.

    `unit` is what is counted. `share` takes the number sent and returns the share of the whole, from 0 to 1, or None if
    it is not known.

    There is no thread and no timer, only a look at the clock after each datagram. While a datagram waits for room in
    the queue, the line does not change.
    """

    def __init__(self, unit: str, share: Callable[[int], float | None]) -> None:
        self._unit = unit
        self._share = share
        self._width = 0
        self._sent = 0
        self._at = monotonic()
        self._due = self._at + _FIRST_SECONDS

    def update(self, sent: int) -> None:
        """Show the number sent, if an update is due."""
        now = monotonic()
        if now >= self._due:
            self._show(sent, (sent - self._sent) / (now - self._at))
            self._sent, self._at, self._due = sent, now, now + _SECONDS

    def _show(self, sent: int, rate: float) -> None:
        text = f"{sent:,} {self._unit}, {rate:,.{0 if rate >= 10 else 1}f}/s"
        share = self._share(sent)
        if share is not None:
            text += f", {min(share, 1):.0%}"
        self._width = max(self._width, len(text))  # set first: Ctrl-C may come while the line is written
        write(f"\r{text.ljust(self._width)}".encode())

    def close(self) -> None:
        """Remove the line. The error that follows a Ctrl-C overwrites the `^C` that the terminal shows."""
        if self._width:
            write(b"\r%s\r" % (b" " * self._width))
            self._width = 0


def write(data: bytes) -> None:
    """Write all of it to standard error, at once. Does nothing if that is closed or broken."""
    if sys.stderr is None:
        return
    try:
        while data:
            data = data[os.write(sys.stderr.fileno(), data) :]
    except OSError:
        return


class Echo:
    """Prints messages that are sent to standard error, each after `tag`."""

    def __init__(self, tag: bytes) -> None:
        self._before = tag + b": " if tag else b""
        self._within = False

    def whole(self, message: bytes) -> None:
        """Print a message."""
        write(self._before + message + b"\n")

    def part(self, text: bytes) -> None:
        """Print a part of a message, until `end`."""
        write(text if self._within else self._before + text)
        self._within = True

    def end(self) -> None:
        """Print the end of a message in parts."""
        write(b"\n")
        self._within = False
