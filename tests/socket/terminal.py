"""A process on a terminal of its own, used the way a person would."""

import os
import pty
import select
import subprocess
from typing import Self

from tests.patience import SECONDS
from tests.source import TOP


def screen(shown: bytes) -> list[str]:
    """The lines as they stand in the end, when what came behind a carriage return has been written over the rest."""
    lines = []
    for line in shown.decode().split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


class Terminal:
    """Starts the process as the leader of a session, so that Ctrl-C on this terminal reaches it."""

    def __init__(self, *words: str, **environment: str) -> None:
        self._descriptor, theirs = pty.openpty()
        self._unread = b""
        self.shown = b""
        try:
            self.process = subprocess.Popen(
                ["setsid", "--ctty", *words],
                cwd=TOP,
                env={"PATH": os.environ["PATH"], "TERM": "xterm", "INPUTRC": "/dev/null", **environment},
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
            )
        except OSError:
            os.close(self._descriptor)
            raise
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._descriptor)

    def type(self, keys: str | bytes) -> None:
        os.write(self._descriptor, keys.encode() if isinstance(keys, str) else keys)

    def until(self, text: bytes) -> None:
        """Wait until this is shown, after what an earlier call has waited for."""
        while text not in self._unread:
            assert self._read(), f"{text!r} is not in {self._unread!r}, and nothing follows"
        self._unread = self._unread.partition(text)[2]

    def end(self) -> int:
        """Read what is still shown; the exit status."""
        while self._read():
            pass
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        """Take in what is shown next; False when the process has let go of the terminal."""
        assert select.select([self._descriptor], [], [], SECONDS)[0], f"nothing more after {self.shown!r}"
        try:
            more = os.read(self._descriptor, 4096)
        except OSError:  # EIO: nobody has the other end open
            return False
        self._unread += more
        self.shown += more
        return True
