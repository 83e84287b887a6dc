"""The console as a sink: one line per entry, in the form of `journalctl -o short`.

A sender chooses the message. So characters that a terminal could act on, or that could break a line in two, are shown
as escapes: control characters, bytes that are not UTF-8, and invisible characters of Unicode that reorder text or end
lines.
"""

import errno
import math
import os
import select
import socket
import time
from collections.abc import Callable, Iterable

from udsd.errors import UdsdError
from udsd.journal.entry import Entry, decode_entry
from udsd.journal.sink import BusyError, Lost

_DELIMITERS = " []:"  # of a line, around the identifier
_FILE_MODE = 0o640  # entries may hold secrets
_FULL = (errno.ENOSPC, errno.EDQUOT)


def open_file(path: str) -> int:
    """Open the file of --output, to append to it. Returns the descriptor. Raises OSError as open(2) does."""
    before = os.umask(0o777 & ~_FILE_MODE)
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, _FILE_MODE)
    finally:
        os.umask(before)


def printable(value: bytes) -> str:
    """Text that is safe to print, on one line."""
    text = value.decode(errors="backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def format_line(entry: Entry, now: float, host: str) -> bytes:
    """One entry as a line with its newline; `now` is in seconds since the epoch, shown in local time."""
    values = dict(decode_entry(entry))
    pid = values.get("OBJECT_PID") or values.get("UDSD_SENDER_PID")  # the second for root
    tag = tag_of(values.get("SYSLOG_IDENTIFIER", b"unknown")) + (f"[{pid.decode()}]" if pid else "")
    stamp = time.strftime("%b %d %H:%M:%S", time.localtime(now))
    return f"{stamp} {printable(os.fsencode(host))} {tag}: {printable(values.get('MESSAGE', b''))}\n".encode()


def tag_of(identifier: bytes) -> str:
    """An identifier with delimiters escaped: in a line `[` begins only the pid, and `: ` the message."""
    return "".join(f"\\x{ord(c):02x}" if c in _DELIMITERS else c for c in printable(identifier))


class Console:
    """Standard output, or another descriptor that is open for writing: from `open_file` if there is a `path`.

    Writing never waits: the console writes only when poll(2) allows it, and at most what a pipe then takes without
    waiting (PIPE_BUF). An entry counts as taken once its line has begun; the rest of the line is written before
    anything else. While a disk is full, deliver() raises BusyError, so that the entry is tried again.
    """

    def __init__(self, descriptor: int, clock: Callable[[], float] = time.time, *, path: str | None = None) -> None:
        self.name = path or "standard output"
        self._path = path
        self._descriptor = descriptor
        self._clock = clock
        self._host = socket.gethostname()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._begun: Lost = (b"", None)
        self._rest = memoryview(b"")

    def deliver(self, entry: Entry, origin: object = None) -> None:
        """Write one entry. Raises BusyError if the reader of a pipe is behind or a disk is full, UdsdError if nothing
        can be written at all.
        """
        self.check(0)
        whole = memoryview(format_line(entry, self._clock(), self._host))
        self._begun, self._rest = (entry, origin), whole
        try:
            self._write()
        except BusyError:
            if len(self._rest) == len(whole):
                self._rest = memoryview(b"")
                raise

    def due(self) -> float:
        """At once while a line is not complete."""
        return 0 if self._rest else math.inf

    def check(self, _now: float) -> None:
        """Raises BusyError if the reader of a pipe is behind or a disk is full."""
        self._write()
        if self._rest or not self._poll.poll(0):
            raise BusyError("its reader is behind", self._descriptor)

    def take_lost(self) -> Iterable[Lost]:
        """The entry whose line is not complete."""
        if self._rest:
            self._rest = memoryview(b"")
            yield self._begun

    def reopen(self) -> None:
        """Switch to the file that is at the path now. If that fails, raises OSError and keeps the old one."""
        if self._path is not None:
            new = open_file(self._path)
            os.dup2(new, self._descriptor, inheritable=False)
            os.close(new)

    def _write(self) -> None:
        try:
            while self._rest and self._poll.poll(0):
                self._rest = self._rest[os.write(self._descriptor, self._rest[: select.PIPE_BUF]) :]
        except BlockingIOError:
            return  # another process that shares the descriptor has made it non-blocking
        except OSError as error:
            if error.errno in _FULL:
                raise BusyError(os.strerror(error.errno)) from None
            hint = "its reader is gone" if error.errno == errno.EPIPE else ""
            raise UdsdError(f"{self.name}: {error.strerror}", hint=hint, status=os.EX_IOERR) from error
