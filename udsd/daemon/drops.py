"""Datagrams over the limit: dropped, counted so that a kill cannot lose the count, and reported.

The first drop of an interval is reported at once, while somebody can still do something about it. The number of drops
is reported when the interval ends, or by the next run if this one is killed. So for each account, the number of
datagrams sent is exactly the number stored plus the number reported as dropped. A report that may be a repeat is
marked.

Times are seconds of a monotonic clock, passed in.
"""

import math

from udsd.daemon.drop_ledger import DropLedger
from udsd.daemon.rate_limit import Limit, Limiter
from udsd.journal.entry import Field
from udsd.journal.log import LIMIT_REACHED, OVER_LIMIT, Log
from udsd.metrics.accounts import Accounts
from udsd.receive.receiver import Receiver
from udsd.senders.identity import Account

_REDELIVERED: Field = ("UDSD_REDELIVERED", b"1")


class Drops:
    """Decides which datagrams are over the limit, and counts them in `ledger`."""

    def __init__(self, limit: Limit, ledger: DropLedger, log: Log) -> None:
        self._accounts = Accounts()
        self._limiter: Limiter[Account] = Limiter(limit, self._accounts.add)
        self._ledger = ledger
        self._log = log
        self._unreported: dict[Account, None] = {}
        self._reporting: set[Account] = set()  # accounts whose report waits for journald
        # These run for each datagram, so there is no call in between.
        self.admit = self._limiter.admit
        self.withdraw = self._limiter.withdraw

    def drop(self, receiver: Receiver, account: Account, payload: bytes, attached: int) -> None:
        """Take the first datagram off the queue, and count it: it is over the limit."""
        # An empty datagram leaves no trace: if a kill comes between the two steps, it is not counted.
        self._ledger.begin(account, payload[0] if payload else 0)
        receiver.consume(attached, self._ledger.cell)
        self._ledger.commit()
        if self._limiter.dropped(account) == 1:
            text = f"{account} has reached its limit of {self._limiter.limit}: the excess is dropped and counted"
            self._log.say(LIMIT_REACHED, text, *_fields(account))

    def due(self) -> float:
        """When the next report is due; may be infinite."""
        return self._limiter.due()

    def accounts(self) -> Accounts:
        """What each account has sent until now."""
        self._limiter.pass_on()
        return self._accounts

    def report_earlier(self) -> None:
        """Log the drops of runs that were killed before they could report them."""
        for account, number, again in self._ledger.pending():
            if not again:
                self._ledger.set_apart(account)
            self._say(account, number, " before udsd was killed", *([_REDELIVERED] if again else []))

    def report(self, now: float) -> None:
        """Log the drops of intervals that have ended. If `now` is infinite, all have."""
        if now != math.inf:
            self._accounts.turn(now)
        self._unreported.update((account, None) for account, _ in self._limiter.ended(now))
        if not self._unreported:
            return
        for account in [account for account in self._unreported if account not in self._reporting or now == math.inf]:
            del self._unreported[account]
            number = self._ledger.set_apart(account)
            if number:
                self._say(account, number)

    def _say(self, account: Account, number: int, when: str = "", *more: Field) -> None:
        def reported() -> None:
            self._ledger.reported(account, number)
            self._reporting.discard(account)

        self._reporting.add(account)
        text = f"{number} datagrams of {account} dropped{when}, over the limit of {self._limiter.limit}"
        fields = (*_fields(account), ("UDSD_DROPPED", b"%d" % number), *more)
        self._log.say(OVER_LIMIT, text, *fields, stored=reported)


def _fields(account: Account) -> tuple[Field, Field]:
    """The account, and the argument with which journalctl shows its entries."""
    match = {"unit": f"OBJECT_SYSTEMD_UNIT={account.name}", "user": f"OBJECT_UID={account.name}"}
    shown = match.get(account.kind, "_SYSTEMD_UNIT=udsd.service")
    return ("UDSD_ACCOUNT", str(account).encode()), ("UDSD_ACCOUNT_MATCH", shown.encode())
