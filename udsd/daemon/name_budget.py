"""How many new field names each account may bring into the journal.

A journal file has room for some 250 names of fields. When its table is full, journald begins a new file, and deletes
the oldest when there are too many (SystemMaxFiles=, 100). So whoever may invent names could have the whole journal
forgotten within minutes, with 200 names in each entry. Hence:

1. A name that has been stored lately, by whomever, costs nothing: it takes no new place in the table.
2. Any other name is new, and is charged to the account that uses it. An account may use MOST new names at once, and one
   more every SECONDS. A program that logs with the same hundred names all day pays for each once.
3. What does not fit is stored all the same, as text.

No I/O here; times are seconds of a monotonic clock, passed in.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable

from udsd.journal.entry import Field

MOST = 128
SECONDS = 60.0  # at this rate one account takes three hours to fill a table
_MOST_ACCOUNTS = 1024
_MOST_NAMES = 4096  # in each of two generations

# What the parsers themselves make, whatever is sent.
_USUAL = (
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_HOSTNAME",
    "SYSLOG_MSGID", "UDSD_MALFORMED", "UDSD_DROPPED_FIELDS",
)  # fmt: skip


class NameBudget:
    """The names that have been stored lately, and what each account may still add."""

    def __init__(self) -> None:
        self._usual = frozenset(_USUAL)
        self._names: dict[str, None] = {}
        self._older: dict[str, None] = {}
        self._accounts: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # names left at a time

    def admit(self, account: Hashable, fields: Iterable[Field], now: float) -> bool:
        """Whether the account may store all these names. If so, the new ones are charged to it; if not, none is."""
        new = set()
        for name, _ in fields:
            if name not in self._usual and name not in self._names:
                if name in self._older:
                    self._learn(name)
                else:
                    new.add(name)
        if not new:
            return True
        left, then = self._accounts.pop(account, (MOST, now))
        left = min(MOST, left + (now - then) / SECONDS)
        admitted = len(new) <= left
        self._accounts[account] = (left - len(new) if admitted else left, now)
        if len(self._accounts) > _MOST_ACCOUNTS:
            self._accounts.popitem(last=False)
        if admitted:
            for name in new:
                self._learn(name)
        return admitted

    def _learn(self, name: str) -> None:
        if len(self._names) >= _MOST_NAMES:
            self._older, self._names = self._names, {}
        self._names[name] = None
