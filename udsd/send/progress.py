"""How far `udsd-send` has got, on one line of the terminal that is gone when it ends.

No thread and no timer: whatever sends looks at the clock behind each datagram. While the kernel lets a datagram wait,
the line stands still, which is the truth.
"""

from _collections_abc import Callable, Iterable, Iterator
from time import monotonic

from udsd.send.stderr import write

_FIRST_SECONDS = 1.0  # what is done by then needs no progress
_SECONDS = 0.5


class Progress:
    """The line. `unit` is what is counted; `share` says how much is done, from 0 to 1, when so many are sent."""

    def __init__(self, unit: str, share: Callable[[int], float | None]) -> None:
        self._unit = unit
        self._share = share
        self._width = 0

    def over(self, datagrams: Iterable[bytes]) -> Iterator[bytes]:
        """The same datagrams; who asks for the next has sent the last."""
        sent_then, then = 0, monotonic()
        due = then + _FIRST_SECONDS
        for sent, datagram in enumerate(datagrams, 1):
            yield datagram
            now = monotonic()
            if now >= due:
                self._show(sent, (sent - sent_then) / (now - then))
                sent_then, then, due = sent, now, now + _SECONDS

    def _show(self, sent: int, rate: float) -> None:
        text = f"{sent:,} {self._unit}, {rate:,.{0 if rate >= 10 else 1}f}/s"
        share = self._share(sent)
        if share is not None:
            text += f", {min(share, 1):.0%}"
        self._width = max(self._width, len(text))  # before it is written: Ctrl-C may come in between
        write(f"\r{text.ljust(self._width)}".encode())

    def close(self) -> None:
        """Take the line away. What a terminal shows for Ctrl-C behind it, the error that follows covers."""
        if self._width:
            write(b"\r%s\r" % (b" " * self._width))
            self._width = 0
