"""Reports on standard error which lines were not sent: each run as it occurs, and a summary at the end."""

from udsd.errors import UdsdError
from udsd.send import terminal


class Failures:
    """Reports lines by their numbers. Of consecutive lines with the same kind of error only the first is reported in
    full, so the output stays short when everything fails.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first: UdsdError | None = None
        self._before: UdsdError | None = None  # the error of the line before, if that was not sent either
        self._begin = self._end = 0  # the lines after the first of a run

    def add(self, number: int, error: UdsdError) -> None:
        """Report that the line of this number was not sent. Numbers must increase."""
        self.count += 1
        self._first = self._first or error
        if self._before and type(error) is type(self._before):
            self._begin, self._end = self._begin or number, number
            return
        self.interrupt()
        self._before = error
        _print(f"line {number}: {error.message}")

    def interrupt(self) -> None:
        """Report the rest of a run: a line was sent, another error came, or there are no more lines."""
        if self._begin:
            lines = f"line {self._end}" if self._begin == self._end else f"lines {self._begin} to {self._end}"
            _print(f"{lines}: the same")
        self._before, self._begin = None, 0

    def end(self, sent: int) -> None:
        """Raise UdsdError with the status of the first failure, if there was any. `sent`: how many lines were sent."""
        self.interrupt()
        if self._first:
            what = f"lines not sent: {self.count}; lines sent: {sent}"
            raise UdsdError(what, hint=self._first.hint, status=self._first.status)


def _print(text: str) -> None:
    terminal.write(f"udsd-send: {text}\n".encode(errors="backslashreplace"))
