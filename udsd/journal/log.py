"""What udsd says for itself.

Its messages are entries like any other. Those that are for the journal wait here until the outlet has
delivered them, ahead of any datagram; they are a handful at the most, since nothing is received while
they wait. systemd's own logging handler is not used: it waits without end where journald's queue is full,
which would stop the loop, and loses the message without a word where journald is away.
"""

import os
from collections import deque
from contextlib import suppress

from udsd.journal.entry import Entry, Field, encode
from udsd.journal.messages import Message

_IDENTIFIER = ("SYSLOG_IDENTIFIER", b"udsd")


class Log:
    """Messages of the daemon: kept for the outlet if `keep`, written to standard error if `stderr`."""

    def __init__(self, *, keep: bool, stderr: bool) -> None:
        self._keep = keep
        self._stderr = stderr
        self.waiting: deque[Entry] = deque()

    def say(self, kind: Message, text: str, *more: Field) -> None:
        """One message of this kind, with further fields."""
        if self._stderr:
            write_stderr(os.fsencode(f"udsd: {text}\n"))
        if self._keep:
            said = (
                ("MESSAGE", os.fsencode(text)),
                ("MESSAGE_ID", kind.message_id),
                ("PRIORITY", b"%d" % kind.priority),
            )
            self.waiting.append(encode((*said, _IDENTIFIER, *more)))


def write_stderr(text: bytes) -> None:
    """Write to standard error as far as it takes it: where it does not, there is nobody left to tell."""
    with suppress(OSError):
        while text:
            text = text[os.write(2, text) :]
