"""The prompt of `udsd-send` on a terminal. Lines can be edited, and those of the session be had again."""

import io
import os
import readline
import sys
from _collections_abc import Iterator

from udsd.address import STOP


def typed() -> Iterator[bytes]:
    """Each line at the prompt, until DONE, which is the last, or the end of input."""
    readline.set_auto_history(True)  # its presence alone gives input() line editing
    assert isinstance(sys.stdin, io.TextIOWrapper)
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
