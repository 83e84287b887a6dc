"""What `udsd-send` reads where no words are given: lines of standard input or of a file, or what is typed."""

import os
import stat
import sys
from _collections_abc import Callable, Iterable, Iterator
from io import BufferedReader, TextIOWrapper

from udsd.errors import UdsdError


class Input:
    """A file, or standard input for None and `-`. Raises UdsdError where there is no such thing."""

    def __init__(self, path: str | None = None) -> None:
        if path is None or path == "-":
            self._name, self._file, prompts = "standard input", _standard_input(), sys.stdout is not None
        else:
            self._name, self._file, prompts = path, _opened(path), False
        self._terminal = self._file.isatty()
        self.typed = self._terminal and prompts  # somebody is there to be prompted

    def messages(self) -> Iterator[bytes]:
        """Each line, or what is typed. An error in reading is raised as UdsdError, with the name of the file."""
        if self.typed:
            from udsd.send.prompt import typed

            return typed()
        return self._lines()

    def _lines(self) -> Iterator[bytes]:
        try:
            for line in self._file:
                yield line.removesuffix(b"\n")
        except OSError as error:
            raise UdsdError(f"{self._name}: {error.strerror}", status=os.EX_IOERR) from error

    def watched(self, datagrams: Iterable[bytes]) -> tuple[Iterable[bytes], Callable[[], None] | None]:
        """The datagrams that are made from this, with their progress shown on a terminal, and what ends showing it."""
        if self._terminal:
            return datagrams, None
        return shown(datagrams, "lines", self._share)

    def _share(self, _: int) -> float | None:
        """How much of the file is sent, None where nobody can know. What was before the first line counts as sent."""
        try:
            status = os.fstat(self._file.fileno())
            return self._file.tell() / status.st_size if stat.S_ISREG(status.st_mode) and status.st_size else None
        except OSError:
            return None


def read() -> tuple[Iterable[bytes], str, Callable[[], None] | None]:
    """Messages of standard input, what they are called, and what ends showing progress."""
    standard = Input()
    datagrams, close = standard.watched(standard.messages())
    return datagrams, "lines", close


def shown(
    datagrams: Iterable[bytes], unit: str, share: Callable[[int], float | None]
) -> tuple[Iterable[bytes], Callable[[], None] | None]:
    """The datagrams, with their progress shown where standard error is a terminal, and what ends showing it.

    `share` says how much is done, from 0 to 1, when so many are sent.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return datagrams, None
    from udsd.send.progress import Progress

    progress = Progress(unit, share)
    return progress.over(datagrams), progress.close


def _standard_input() -> BufferedReader:
    if sys.stdin is None:
        raise UdsdError("no message, and standard input is closed", status=os.EX_NOINPUT)
    assert isinstance(sys.stdin, TextIOWrapper)
    assert isinstance(sys.stdin.buffer, BufferedReader)
    if os.get_blocking(sys.stdin.fileno()):
        return sys.stdin.buffer
    from udsd.send.waiting import Waiting

    return BufferedReader(Waiting(sys.stdin.fileno(), closefd=False))


def _opened(path: str) -> BufferedReader:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:  # ValueError for a name with a NUL
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise UdsdError(f"{path}: {what}", hint="name a file that can be read", status=os.EX_NOINPUT) from error
