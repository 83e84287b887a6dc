"""Going into the background, for those who start udsd from a script and not from a service manager.

The process that was started waits until the one in the background is ready, and ends as that one has begun: with 0, or
with its error and its exit status. So a script that goes on after it finds the socket there.

python-daemon does what belongs to it: a session of its own, `/` as the working directory, no descriptors of others.
Standard output and standard error stay what they are where they go to a file or a pipe; a terminal is let go of.
"""

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from udsd.errors import UdsdError, explain


class Background:
    """The process that makes it, in the background from now on. `keep` are descriptors that stay open.

    As a context it tells the waiting process of the UdsdError that ends it before `begun` was called.
    """

    def __init__(self, keep: Sequence[int]) -> None:
        import daemon

        readable, self._writable = os.pipe2(os.O_CLOEXEC)
        if os.fork():
            os.close(self._writable)
            _end_as_told(readable)
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
            self._tell(error.status, explain("udsd", error))
            _to_null(2)  # it has been said

    def begun(self) -> None:
        """Let the process that was started end well."""
        self._tell(os.EX_OK, "")
        for stream in (1, 2):
            if os.isatty(stream):
                _to_null(stream)

    def _tell(self, status: int, text: str) -> None:
        os.write(self._writable, bytes([status]) + text.encode(errors="backslashreplace"))
        os.close(self._writable)
        self._writable = -1


def _end_as_told(readable: int) -> None:
    with open(readable, "rb") as told:
        words = told.read()
    os.write(2, words[1:])
    os._exit(words[0] if words else os.EX_SOFTWARE)  # none where it was killed


def _to_null(stream: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, stream)
    os.close(null)
