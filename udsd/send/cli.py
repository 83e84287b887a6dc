"""The command `udsd-send`: words, the lines of standard input, or what is typed at a prompt, each a datagram.

1. Whatever the command line says becomes one sequence of datagrams, and `_deliver` sends it: it alone counts, and says
   how far it got.
2. What a call does not need it does not import, so this module knows nothing but words. The input is in `send_input`;
   what options do is in `send_call`.
"""

import os
import sys
from _collections_abc import Callable, Iterable  # what collections.abc is made of, without what that costs

from udsd.connection import Connection, candidates
from udsd.errors import UdsdError, explain


class _InterruptedError(UdsdError):
    """Ctrl-C ended it."""

    status = 130  # what a shell makes of an end by SIGINT


def _deliver(
    send: Callable[[bytes], None], datagrams: Iterable[bytes], unit: str = "", close: Callable[[], None] | None = None
) -> None:
    """Send all the datagrams, then `close`, whatever happened. An error says how many `unit` were sent before."""
    sent = 0
    try:
        for datagram in datagrams:
            send(datagram)
            sent += 1
    except (UdsdError, KeyboardInterrupt) as error:
        so_far = f"; {unit} sent before: {sent}" if unit else ""
        if isinstance(error, KeyboardInterrupt):
            raise _InterruptedError("interrupted" + so_far) from error
        raise UdsdError(f"{error}{so_far}", hint=error.hint, status=error.status) from error
    finally:
        if close:
            close()


def _send(words: list[str]) -> None:
    if any(word.startswith("-") for word in words):
        from udsd.send.pipeline import prepared

        _deliver(*prepared(words))
        return
    connection = Connection(candidates())
    if words:
        _deliver(connection.send, (os.fsencode(" ".join(words)),))
    else:
        from udsd.send.reconnect import Stream
        from udsd.send.source import read

        _deliver(Stream(connection, None).send, *read())


def main() -> int:
    """Send what the process's own arguments say; the exit status, one of sysexits.h."""
    try:
        _send(sys.argv[1:])
    except UdsdError as error:
        return _ended(error)
    except KeyboardInterrupt:  # before there was anything to send
        return _ended(_InterruptedError("interrupted"))
    return os.EX_OK


def _ended(error: UdsdError) -> int:
    """Print the error; the exit status. After Ctrl-C the end is SIGINT's, so that a loop of a shell ends too."""
    from udsd.send import stderr

    stderr.write(explain("udsd-send", error).encode(errors="backslashreplace"))
    if isinstance(error, _InterruptedError):
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return error.status
