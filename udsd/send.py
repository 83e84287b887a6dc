"""The command `udsd-send`: words, the lines of standard input, or what is typed at a prompt, each a datagram.

What a call does not need it does not import: argparse only for options, readline only for a terminal.
"""

import io
import os
import sys

from udsd.connection import Connection, candidates
from udsd.errors import UdsdError, explain

_STOP = b"DONE"


def _parse(words: list[str]) -> tuple[str | None, float | None, list[str]]:
    """Socket, time-out and message words of a command line."""
    if not any(word.startswith("-") for word in words):
        return None, None, words
    from udsd.send_options import parse

    return parse(words)


class _Sender:
    """Sends, and counts for the error that must say how far it got."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sent = 0

    def send(self, payload: bytes) -> None:
        self._connection.send(payload)
        self.sent += 1

    def send_lines(self) -> None:
        for line in sys.stdin.buffer:
            self.send(line.removesuffix(b"\n"))

    def send_typed(self) -> None:
        """Each line at the prompt, until DONE or the end of input."""
        import readline

        readline.set_auto_history(True)  # its presence alone gives input() line editing
        assert isinstance(sys.stdin, io.TextIOWrapper)
        sys.stdin.reconfigure(errors="surrogateescape")
        while True:
            try:
                payload = os.fsencode(input("> "))
            except (EOFError, KeyboardInterrupt):
                print()
                return
            self.send(payload)
            if payload == _STOP:
                return


def _send(words: list[str]) -> None:
    path, timeout, message = _parse(words)
    sender = _Sender(Connection(candidates(path), timeout))
    try:
        if message:
            sender.send(os.fsencode(" ".join(message)))
        elif sys.stdin is None:
            raise UdsdError("no message, and standard input is closed", status=os.EX_NOINPUT)
        elif sys.stdin.isatty():
            sender.send_typed()
        else:
            sender.send_lines()
    except UdsdError as error:
        if message:
            raise
        raise UdsdError(f"{error}; lines sent before: {sender.sent}", hint=error.hint, status=error.status) from error
    except OSError as error:
        raise UdsdError(
            f"standard input: {error.strerror}; lines sent before: {sender.sent}", status=os.EX_IOERR
        ) from error
    except KeyboardInterrupt:
        raise UdsdError(f"interrupted; lines sent before: {sender.sent}", status=130) from None


def main() -> int:
    """Send what the process's own arguments say; the exit status, one of sysexits.h."""
    try:
        _send(sys.argv[1:])
    except UdsdError as error:
        if sys.stderr is not None:
            sys.stderr.write(explain("udsd-send", error))
        return error.status
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
