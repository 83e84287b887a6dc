"""Going into the background (--detach), for a start by a script and not by a service manager.

The started process waits until the background process is ready. Then it exits with 0, or with the error and the exit
status of the background process. So the socket exists when the script continues.

python-daemon does the usual steps: a new session, `/` as the working directory, no inherited descriptors. Standard
output stays open if entries go to it. Standard error stays open if it is a file, or the same as standard output.
Terminals and pipes are closed, since a program at the other end (ssh, cron, a `$(...)`) waits until they are.
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
from udsd.service import signals

# python-daemon 2.3 builds a list of all descriptors that the limit allows, and containers allow a billion.
_DESCRIPTORS = 4096


class Background:
    """Goes into the background, and reports to the process that waits there.

    As a context, it reports a UdsdError that ends this process before `begun` was called. Make it the outermost
    context, so that everything is cleaned up before the waiting process ends.
    """

    _writable = -1

    def go(self, keep: Sequence[int]) -> None:
        """Go into the background, and keep these descriptors open."""
        try:
            import daemon
        except ImportError as error:
            raise UdsdError(
                "--detach needs the Python library python-daemon",
                hint="install python3-daemon with apt, or udsd[daemon] with pip",
                status=os.EX_UNAVAILABLE,
            ) from error
        most = min(_DESCRIPTORS, *resource.getrlimit(resource.RLIMIT_NOFILE))
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        readable, self._writable = os.pipe2(os.O_CLOEXEC)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends the waiting process without cleaning up the other's files
        if os.fork():
            signals.release()
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
        """Let the waiting process exit with 0. `output`: whether entries go to standard output."""
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
    if not words:  # the background process was killed, or printed a traceback to standard error
        words = bytes([os.EX_SOFTWARE]) + b"udsd: the background process ended before it was ready\n"
    write_stderr(words[1:])
    os._exit(words[0])


def _to_null(stream: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, stream)
    os.close(null)
