"""udsd's own messages: their kinds, and where they go.

1. Messages for the journal wait here until they are delivered. They go before any datagram, and only a few can wait,
   since nothing is received meanwhile. systemd's logging handler is not used: it waits forever if journald's queue is
   full, which would stop the loop, and silently loses the message if journald is stopped.
2. Each kind has an id, by which `journalctl --catalog` explains it; the texts are in systemd/udsd.catalog. An id never
   changes and is never used for something else: people filter by it.

To add a kind: a line below with a new id (`systemd-id128 new`), a text in systemd/udsd.catalog, and the id in
udsd.fields(7). A unit test compares the three.
"""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from udsd import priorities
from udsd.journal.entry import Entry, Field, encode


class Message(NamedTuple):
    """A kind of message: its MESSAGE_ID (systemd.journal-fields(7)) and its PRIORITY."""

    message_id: bytes
    priority: int


_WARNING, _INFO = priorities.WARNING, priorities.INFO

STARTED = Message(b"0528bc2dc7814965923d28d912eee771", _INFO)
STOPPED = Message(b"80008352642b4c53a8c16e9abbde2f07", _INFO)
UNDELIVERED = Message(b"94189ede2bf74a51805a77954cd1deb6", priorities.ERR)
DONE_REFUSED = Message(b"fd7472dff6eb4415889eb6ac3b06c778", _WARNING)
OVER_LIMIT = Message(b"416422a56a5c4ba489b1c3bb8d9c0e8b", _WARNING)
LIMIT_REACHED = Message(b"f3a1c0de5b7e4f0c9d2a6b8e47c1d905", _WARNING)
SINK_AWAY = Message(b"36692186dbd24b68b6c87a5857c17190", _WARNING)
SINK_BACK = Message(b"cc2e9d551f9149ccb29c9ae040768a6f", _INFO)
STATISTICS = Message(b"cb3ed0fc43eb4d7bba16a9d1e6b9cbe4", _INFO)
METRICS_FAILED = Message(b"e0a36ed3a3b84a5c91c83ac59c0ef9ae", _WARNING)
OUTPUT_FAILED = Message(b"cb3a2837a6c143cd9d47a3f25e285d4b", _WARNING)
FILE_LEFT = Message(b"5acf8aac1dfd492da866ea1f5cb35c68", _WARNING)

_IDENTIFIER = ("SYSLOG_IDENTIFIER", b"udsd")


class Log:
    """Messages of the daemon: kept in `waiting` for delivery if `keep`, written to standard error if `stderr`."""

    def __init__(self, *, keep: bool, stderr: bool) -> None:
        self._keep = keep
        self.to_stderr = stderr
        self.waiting: deque[tuple[Entry, Callable[[], None] | None]] = deque()

    def say(self, kind: Message, text: str, *more: Field, stored: Callable[[], None] | None = None) -> None:
        """Log one message of this kind, with more fields. `stored` is called when the message is stored or printed."""
        if self.to_stderr:
            write_stderr(os.fsencode(f"udsd: {text}\n"))
        if self._keep:
            said = (
                ("MESSAGE", os.fsencode(text)),
                ("MESSAGE_ID", kind.message_id),
                ("PRIORITY", b"%d" % kind.priority),
            )
            self.waiting.append((encode((*said, _IDENTIFIER, *more)), stored))
        elif stored:
            stored()


def write_stderr(text: bytes) -> None:
    """Write to standard error. If that fails, give up: there is nowhere left to report it."""
    with suppress(OSError):
        while text:
            text = text[os.write(2, text) :]
