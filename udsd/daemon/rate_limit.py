"""How much each account may send: so many datagrams and bytes in each interval. The excess is dropped and counted.

journald does the same for each unit, but to journald all of our senders are one. As with journald, an interval begins
with the first datagram after the last one has ended. journald counts no bytes, and 10,000 datagrams of the largest size
are 2 GB of journal; so bytes are counted here as well.
No I/O here; times are seconds of a monotonic clock, passed in.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

_MOST = 1024  # accounts; the one whose interval began first makes room

Account = TypeVar("Account", bound=Hashable)


class Limit(NamedTuple):
    """`number` datagrams with `size` bytes in all, in `seconds`; number and size may be infinite."""

    number: float
    seconds: float
    size: float = math.inf

    def __str__(self) -> str:
        size = "" if self.size == math.inf else f" and {self.size / 1048576:g} MiB"
        return f"{self.number:g} datagrams{size} in {self.seconds:g} s"


class _Window:
    """One account in one interval."""

    __slots__ = ("dropped", "end", "size", "used")

    def __init__(self, end: float) -> None:
        self.end = end
        self.used = 0
        self.size = 0
        self.dropped = 0


class Limiter(Generic[Account]):
    """The accounts of all senders under one limit."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._number, _, self._size = limit
        self._windows: OrderedDict[Account, _Window] = OrderedDict()  # in the order of their ends
        self._due = math.inf

    def admit(self, account: Account, now: float, size: int = 0) -> bool:
        """Count one datagram of so many bytes. False where the account is over the limit; then it counts as dropped.

        An account that has bytes left may send one datagram of any size. Call `ended` before, at each turn of the loop.
        """
        window = self._windows.get(account)
        if window is None:
            window = self._windows[account] = _Window(now + self.limit.seconds)
        if window.used < self._number and window.size < self._size:
            window.used += 1
            window.size += size
            return True
        window.dropped += 1
        self._due = min(self._due, window.end)
        return False

    def dropped(self, account: Account) -> int:
        """The number of datagrams that an account has lost in its interval."""
        return self._windows[account].dropped

    def withdraw(self, account: Account, size: int = 0) -> None:
        """Undo admit(): delivery failed and the datagram will be retried."""
        window = self._windows[account]
        window.used -= 1
        window.size -= size

    def __len__(self) -> int:
        """The number of accounts that are kept, which is bounded."""
        return len(self._windows)

    def due(self) -> float:
        """When the next interval with drops ends; infinite if there is none."""
        return self._due

    def ended(self, now: float) -> list[tuple[Account, int]]:
        """The accounts whose interval has ended, each with its drops if there were any. They begin anew."""
        reports = []
        while self._windows:
            account, window = next(iter(self._windows.items()))
            if now < window.end and len(self._windows) <= _MOST:
                break
            del self._windows[account]
            if window.dropped:
                reports.append((account, window.dropped))
        if reports:
            self._due = min((window.end for window in self._windows.values() if window.dropped), default=math.inf)
        return reports
