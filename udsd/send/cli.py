"""The command `udsd-send`: how it starts and how it ends.

Scripts start it thousands of times, so a call imports only what it needs. Words without options need only this module;
`pipeline` handles all other calls.
"""

import os
import sys

from udsd.connection import Connection, candidates
from udsd.errors import TooLongError, UdsdError, explain

_INTERRUPTED = 130  # how a shell reports an end by SIGINT


def main() -> int:
    """Send what the process's arguments ask for. Returns the exit status, one of sysexits.h."""
    try:
        _send(sys.argv[1:])
    except UdsdError as error:
        _print(error)
        return error.status
    except KeyboardInterrupt as interrupt:
        _print(UdsdError(str(interrupt) or "interrupted"))
        return _end_by_sigint()
    return os.EX_OK


def _send(words: list[str]) -> None:
    if words and not any(word.startswith("-") for word in words):
        try:
            Connection(candidates()).send(os.fsencode(" ".join(words)))
        except TooLongError:
            words = ["--", *words]  # in parts
        else:
            return
    from udsd.send import pipeline

    work = pipeline.with_options(words) if words else pipeline.standard_input()
    work.deliver()


def _print(error: UdsdError) -> None:
    from udsd.send import terminal

    terminal.write(explain("udsd-send", error).encode(errors="backslashreplace"))


def _end_by_sigint() -> int:
    """Be killed by SIGINT, so that Ctrl-C also ends a shell's loop around this program."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return _INTERRUPTED
