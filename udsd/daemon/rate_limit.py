"""How many datagrams and bytes each account may send in an interval. The excess is dropped and counted.

journald has a limit for each unit, but for journald all our senders are one unit, udsd's. As in journald, an interval
begins with the first datagram after the last interval has ended. journald counts no bytes; but 10,000 datagrams of the
largest size are 2 GB of journal, so bytes are counted here, too.

The table is bounded, however many accounts send: at each turn of the loop the oldest intervals over _MOST end early.

The same counts show who sends most. They are passed on to `metrics.accounts` about once a second: a call for each
datagram would cost more.

No I/O here; times are seconds of a monotonic clock, passed in.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

_MOST = 1024  # accounts; the one whose interval began first makes room

Account = TypeVar("Account", bound=Hashable)


class Limit(NamedTuple):
    """`number` datagrams and `size` bytes in `seconds`. The number and the size may be infinite."""

    number: float
    seconds: float
    size: float = math.inf

    def __str__(self) -> str:
        size = "" if self.size == math.inf else f" and {self.size / 1048576:g} MiB"
        return f"{self.number:g} datagrams{size} in {self.seconds:g} s"


class _Window:
    """One account in one interval."""

    __slots__ = ("dropped", "end", "passed_on", "passed_on_dropped", "size", "used")

    def __init__(self, end: float) -> None:
        self.end = end
        self.used = 0
        self.size = 0
        self.dropped = 0
        self.passed_on = self.passed_on_dropped = 0


def _ignore(_account: Hashable, _datagrams: int, _dropped: int) -> None:
    pass


class Limiter(Generic[Account]):
    """The accounts of all senders under one limit.

    `add` is called with an account and its numbers since the last call: of all datagrams, and of dropped ones.
    """

    def __init__(self, limit: Limit, add: Callable[[Account, int, int], None] = _ignore) -> None:
        self.limit = limit
        self._add = add
        self._number, _, self._size = limit
        self._windows: OrderedDict[Account, _Window] = OrderedDict()  # in the order of their ends
        self._due = math.inf

    def admit(self, account: Account, now: float, size: int = 0) -> bool:
        """Count one datagram of `size` bytes. False if the account is over its limit; the datagram counts as dropped.

        An account with bytes left may send one datagram of any size. Call `ended` before, at each turn of the loop.
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
        """The number of datagrams of an account that were dropped in its interval."""
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
        """End intervals that are over, and the oldest if there are too many. Returns the accounts with drops."""
        reports = []
        while self._windows:
            account, window = next(iter(self._windows.items()))
            if now < window.end and len(self._windows) <= _MOST:
                break
            del self._windows[account]
            self._pass_on(account, window)
            if window.dropped:
                reports.append((account, window.dropped))
        if reports:
            self._due = min((window.end for window in self._windows.values() if window.dropped), default=math.inf)
        return reports

    def pass_on(self) -> None:
        """Pass on the numbers of all current intervals."""
        for account, window in self._windows.items():
            self._pass_on(account, window)

    def _pass_on(self, account: Account, window: _Window) -> None:
        datagrams, dropped = window.used + window.dropped, window.dropped
        if datagrams != window.passed_on:
            self._add(account, datagrams - window.passed_on, dropped - window.passed_on_dropped)
            window.passed_on, window.passed_on_dropped = datagrams, dropped
