"""What each account has sent, to find out who floods the journal.

1. The busiest of the last 30 to 60 s are named in the status and in the reports, with the time at which counting began.
   So a status stays true while nobody sends.
2. The metrics have numbers since the start for at most 20 accounts, since each is a series of its own. A busier account
   takes the place of the one that sent the fewest datagrams recently, whose numbers move to `other`. So the sum over
   all accounts never decreases.
3. The tables are bounded, however many accounts send. An account is anything that can be a key, and has a name.

The rate limit counts for each datagram anyway; what it has counted is added here about once a second.

No I/O here; times are seconds of a monotonic clock, passed in.
"""

import heapq
import math
import time
from collections.abc import Hashable

OTHER = "other"  # never the name of an account: that has a type (`x.service`) or a space (`uid 0`)

_PERIOD = 30.0
_NAMED = 20
_SHOWN = 3
_MOST = 1024


class Sent:
    """Numbers of datagrams: all that were charged to an account, and those of them that were over its limit."""

    __slots__ = ("datagrams", "limited")

    def __init__(self, datagrams: int = 0, limited: int = 0) -> None:
        self.datagrams = datagrams
        self.limited = limited

    def add(self, datagrams: int, limited: int) -> None:
        """Add numbers."""
        self.datagrams += datagrams
        self.limited += limited

    def __str__(self) -> str:
        return f"{self.datagrams} ({self.limited} dropped)" if self.limited else str(self.datagrams)


class Accounts:
    """The numbers of all accounts. Call `turn` before `add`, so that numbers do not count in a period that is over."""

    def __init__(self) -> None:
        self._named: dict[Hashable, Sent] = {}
        self._other = Sent()
        self._recent: dict[Hashable, Sent] = {}
        self._before: dict[Hashable, Sent] = {}  # of the period before
        self._began = self._since = -math.inf  # the current period, and the one before

    def turn(self, now: float) -> None:
        """Begin another period if the current one is over."""
        age = now - self._began
        if age >= _PERIOD:
            followed = age < 2 * _PERIOD
            self._before = self._recent if followed else {}
            self._since = self._began if followed else now
            self._recent = {}
            self._began = now

    def add(self, account: Hashable, datagrams: int, limited: int) -> None:
        """Count datagrams of an account, `limited` of them over its limit."""
        if account not in self._recent:
            if len(self._recent) >= _MOST:
                busier = heapq.nlargest(_MOST // 2, self._recent.items(), key=lambda item: item[1].datagrams)
                self._recent = dict(busier)
            self._recent[account] = Sent()
        self._recent[account].add(datagrams, limited)
        (self._named.get(account) or self._place_for(account)).add(datagrams, limited)

    def _place_for(self, account: Hashable) -> Sent:
        """Where to count an account that has no number of its own yet."""
        if len(self._named) >= _NAMED:
            least = min(self._named, key=self._lately)
            if self._lately(least) >= self._lately(account):
                return self._other
            left = self._named.pop(least)
            self._other.add(left.datagrams, left.limited)
        return self._named.setdefault(account, Sent())

    def _lately(self, account: Hashable) -> int:
        return sum(period[account].datagrams for period in (self._recent, self._before) if account in period)

    def totals(self) -> dict[str, Sent]:
        """The numbers since the start, by the name of the account; always with OTHER."""
        return {str(account): sent for account, sent in self._named.items()} | {OTHER: self._other}

    def busiest(self) -> list[tuple[str, Sent]]:
        """The names of the accounts that sent most in this and the last period, with the numbers."""
        lately: dict[Hashable, Sent] = {}
        for period in (self._before, self._recent):
            for account, sent in period.items():
                lately.setdefault(account, Sent()).add(sent.datagrams, sent.limited)
        most = heapq.nlargest(_SHOWN, lately.items(), key=lambda item: item[1].datagrams)
        return [(str(account), sent) for account, sent in most]

    def words(self, now: float, wall: float) -> str:
        """The busiest accounts as text; empty if nobody has sent anything recently. `wall`: seconds since the epoch."""
        busiest = self.busiest()
        if not busiest:
            return ""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall - (now - self._since)))
        each = (f"{name} {sent}" for name, sent in busiest)
        return f"busiest since {since}: {', '.join(each)}"
