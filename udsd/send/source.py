"""What `udsd-send` reads if no words are given: lines of standard input or of a file, or lines typed at a prompt."""

import os
import stat
import sys
from _collections_abc import Callable, Iterator
from io import BufferedReader, FileIO, TextIOWrapper

from udsd.errors import UdsdError

_LONGEST = 1 << 20  # bytes of a line that is held in memory: more than a datagram takes by default
_AT_ONCE = 64  # lines in a list, and between two looks at the clock for the progress
_BLOCK = 64 << 10  # bytes that are read at once: what a pipe holds

TYPE_CHECKING = False  # importing typing costs 4 ms
if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from udsd.send.terminal import Progress


class Input:
    """A file, or standard input for None and `-`. `typed` says whether lines are typed at a prompt.

    Raises UdsdError if the file cannot be opened, or if standard input is closed.
    """

    def __init__(self, path: str | None = None) -> None:
        if path is None or path == "-":
            self._name, self._file, prompts = "standard input", _standard_input(), sys.stdout is not None
        else:
            self._name, self._file, prompts = path, _opened(path), False
        self._ahead = b""  # read, but not used yet
        self._lines: list[bytes] = []  # of the last block that was read
        self._taken = 0  # how many of them have been handed out
        self._at_hand: list[bytes] = []  # the last of these
        self._terminal = self._file.isatty()
        self.typed = self._terminal and prompts

    def messages(self) -> Iterator[bytes | list[bytes] | Iterator[bytes]]:
        """The lines, without their newlines: lists of lines that came in together, or single typed lines.

        A line of more than 1 MiB is an iterator over its pieces. Pieces that are left are skipped when the next lines
        are asked for. The caller removes finished lines from a list: the progress counts the rest as not read.
        Raises UdsdError, with the name of the file, if reading fails.
        """
        if self.typed:
            from udsd.send import terminal

            return terminal.typed_lines()
        return self._messages()

    def _messages(self) -> Iterator[list[bytes] | Iterator[bytes]]:
        begun: list[bytes] = []  # of a line without its end
        size = 0
        while block := self._read():
            lines = block.split(b"\n")
            end = lines.pop()
            if lines:
                lines[0] = b"".join([*begun, lines[0]])
                self._lines = lines
                for at in range(0, len(lines), _AT_ONCE):
                    self._taken = at + _AT_ONCE
                    self._at_hand = lines[at : self._taken]
                    yield self._at_hand
                begun, size = [], 0
            begun.append(end)
            size += len(end)
            if size > _LONGEST:
                pieces = self._pieces(b"".join(begun))
                yield pieces
                for _ in pieces:
                    pass
                begun, size = [], 0
        if size:
            yield [b"".join(begun)]

    def _pieces(self, piece: bytes) -> Iterator[bytes]:
        yield piece
        while block := self._read():
            piece, newline, self._ahead = block.partition(b"\n")
            yield piece
            if newline:
                return

    def _read(self) -> bytes:
        """The bytes that are there, at most _BLOCK; empty at the end of the file."""
        if self._ahead:
            block, self._ahead = self._ahead, b""
            return block
        try:
            return self._file.read1(_BLOCK)
        except OSError as error:
            raise UdsdError(f"{self._name}: {error.strerror}", status=os.EX_IOERR) from error

    def progress(self) -> "Progress | None":
        """The progress of sending it. None if lines come from a terminal, or if there is none to show it on."""
        return None if self._terminal else progress("lines", self._share)

    def _share(self, _: int) -> float | None:
        """The share of the file that is read, None for a pipe. What an earlier reader of standard input took counts."""
        try:
            status = os.fstat(self._file.fileno())
            left = (*self._at_hand, *self._lines[self._taken :])
            read = self._file.tell() - sum(len(line) + 1 for line in left)
            return read / status.st_size if stat.S_ISREG(status.st_mode) and status.st_size else None
        except OSError:
            return None


def progress(unit: str, share: Callable[[int], float | None]) -> "Progress | None":
    """A `terminal.Progress`, or None if standard error is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from udsd.send import terminal

    return terminal.Progress(unit, share)


def _standard_input() -> BufferedReader:
    if sys.stdin is None:
        raise UdsdError("no message, and standard input is closed", status=os.EX_NOINPUT)
    assert isinstance(sys.stdin, TextIOWrapper)
    assert isinstance(sys.stdin.buffer, BufferedReader)
    if os.get_blocking(sys.stdin.fileno()):
        return sys.stdin.buffer
    return BufferedReader(_NonBlocking(sys.stdin.fileno(), closefd=False))


class _NonBlocking(FileIO):
    """A file that another program, which shares it, has made non-blocking.

    Python takes EAGAIN for the end of the file, so this waits for input itself.
    """

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As `RawIOBase.readinto`; returns 0 only at the end of the file."""
        import select

        while (size := super().readinto(buffer)) is None:
            select.select([self], [], [])
        return size


def _opened(path: str) -> BufferedReader:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:  # ValueError for a name with a NUL
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise UdsdError(f"{path}: {what}", status=os.EX_NOINPUT) from error
