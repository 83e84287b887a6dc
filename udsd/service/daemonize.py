"""Going into the background, for those who start udsd from a script and not from a service manager.

The process that was started waits until the one in the background is ready, and ends as that one has begun: with 0, or
with its error and its exit status. So when a script goes on after it, the socket is there.

python-daemon does what belongs to it: a session of its own, `/` as the working directory, no descriptors of others.
Standard output stays what it is where entries go to it, and standard error where it is a file, or the same as that.
Terminals and pipes are closed: whoever has the other end (ssh, cron, a `$(...)`) waits until then.
"""

import os
import resource
import signal
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from udsd.errors import UdsdError, explain
from udsd.journal.log import write_stderr

# python-daemon 2.3 makes a number for each descriptor that the limit allows, and containers allow a billion.
_DESCRIPTORS = 4096


class Background:
    """The way into the background.

    As a context it reports to the waiting process the UdsdError that ends this one before `begun` was called. It is to
    be the outermost one: when the waiting process ends, all has been cleaned up.
    """

    _writable = -1

    def go(self, keep: Sequence[int]) -> None:
        """Be in the background from now on, with these descriptors open still."""
        most = min(_DESCRIPTORS, *resource.getrlimit(resource.RLIMIT_NOFILE))
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        import daemon

        readable, self._writable = os.pipe2(os.O_CLOEXEC)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # it ends the one that waits, and leaves the other's files alone
        if os.fork():
            os.close(self._writable)
            _end_as_reported(readable)
        os.close(readable)
        context = daemon.DaemonContext(
            detach_process=True,
            files_preserve=[self._writable, *keep],
            stdout=sys.stdout,
            stderr=sys.stderr,
            umask=0o022,
            signal_map={},
        )
        context.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, UdsdError) and self._writable >= 0:
            self._report(error.status, explain("udsd", error))
            _to_null(2)  # it has been reported

    def begun(self, *, output: bool) -> None:
        """Let the process that was started end well. `output`: whether entries go to standard output."""
        if not output:
            _to_null(1)
        errors = os.fstat(2)
        if not (stat.S_ISREG(errors.st_mode) or os.path.samestat(errors, os.fstat(1))):
            _to_null(2)
        self._report(os.EX_OK, "")

    def _report(self, status: int, text: str) -> None:
        with suppress(BrokenPipeError):  # it was killed meanwhile
            os.write(self._writable, bytes([status]) + text.encode(errors="backslashreplace"))
        os.close(self._writable)
        self._writable = -1


def _end_as_reported(readable: int) -> None:
    with open(readable, "rb") as report:
        words = report.read()
    if not words:  # it was killed, or has a traceback on standard error
        words = bytes([os.EX_SOFTWARE]) + b"udsd: it has ended before it was ready\n"
    write_stderr(words[1:])
    os._exit(words[0])


def _to_null(stream: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, stream)
    os.close(null)
