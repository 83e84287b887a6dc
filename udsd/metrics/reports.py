"""Reports of the counters while udsd runs: a journal entry for each socket, and a file for Prometheus.

1. The entries are logged on request (SIGUSR1), at each interval if there is one, and at the end.
2. The file is replaced as a whole, so a reader never sees half of it. It is replaced when something has changed, at
   most every 10 s. A failure is logged once, and does not stop the daemon. The next failure is logged if it is another
   one, or if writing worked in between.

Times are seconds of a monotonic clock, passed in.
"""

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from udsd.journal.delivery import Delivery
from udsd.journal.entry import Field
from udsd.journal.log import METRICS_FAILED, STATISTICS
from udsd.metrics.accounts import Accounts, Sent
from udsd.metrics.counters import Counters

_METRICS_INTERVAL = 10.0

Render = Callable[[Mapping[str, Counters], Mapping[str, Sent], int, float], bytes]


class Metrics(NamedTuple):
    """A file, and the function that makes its text.

    It takes the counters by socket, the numbers by account, the number of waits, and their total in seconds.
    """

    path: str
    render: Render


class Reports:
    """Reports `counters`, by the name of each socket, the busiest of the `accounts`, and the waits of `delivery`.

    `interval` is the time between two entries, infinite for none. `metrics` is None for no file.
    """

    def __init__(
        self,
        counters: Mapping[str, Counters],
        accounts: Callable[[], Accounts],
        delivery: Delivery,
        interval: float,
        metrics: Metrics | None,
    ) -> None:
        self._counters = counters
        self._accounts = accounts
        self._delivery = delivery
        self._log = delivery.log
        self._interval = interval
        self._metrics = metrics
        self._entries_due = math.inf
        self._metrics_due = math.inf if metrics is None else 0.0
        self._written: object = None
        self._failed = ""

    def start(self, now: float) -> None:
        """Begin the first interval."""
        self._entries_due = now + self._interval

    def due(self) -> float:
        """When a report is due; may be infinite."""
        if self._metrics is None:
            return self._entries_due
        return min(self._entries_due, self._metrics_due if self._changed() else math.inf)

    def report(self, now: float, *, asked: bool = False) -> None:
        """Write what is due. `asked`: log the entries now."""
        if asked or (now >= self._entries_due and self._delivery.blocked_since is None):  # else they would pile up
            self.log_counters(now)
        if now >= self._entries_due:
            self._entries_due += self._interval * ((now - self._entries_due) // self._interval + 1)
        if now >= self._metrics_due and self._changed():
            self.write_metrics(now)

    def log_counters(self, now: float) -> None:
        """Log an entry for each socket. The busiest accounts are those of all sockets together."""
        accounts = self._accounts()
        busiest = [("UDSD_BUSIEST", f"{sent.datagrams} {name}".encode()) for name, sent in accounts.busiest()]
        for name, counters in self._counters.items():
            socket = ("UDSD_STATISTICS_OF", os.fsencode(name))
            words = "; ".join(filter(None, (counters.words(), accounts.words(now, time.time()))))
            self._log.say(STATISTICS, f"{name}: {words}", socket, *self.fields(counters, now), *busiest)

    def fields(self, counters: Counters, now: float) -> list[Field]:
        """All counters as fields; the waits are those of all sockets together."""
        waits = [("waits", self._delivery.waits), ("wait_usec", int(self._delivery.waited(now) * 1e6))]
        return [(f"UDSD_{name.upper()}", b"%d" % number) for name, number in counters.items() + waits]

    def write_metrics(self, now: float) -> None:
        """Replace the metrics file, if --metrics names one."""
        if self._metrics is None:
            return
        self._metrics_due = now + _METRICS_INTERVAL
        path, render = self._metrics
        self._written = self._state()
        try:
            sent = self._accounts().totals()
            _replace(path, render(self._counters, sent, self._delivery.waits, self._delivery.waited(now)))
            self._failed = ""
        except OSError as error:
            if self._failed != error.strerror:
                self._failed = error.strerror or str(error)
                self._log.say(METRICS_FAILED, f"metrics: {path}: {self._failed}")

    def _changed(self) -> bool:
        return self._delivery.blocked_since is not None or self._state() != self._written  # a wait grows by itself

    def _state(self) -> object:
        received = sum(counters.received for counters in self._counters.values())
        return received, self._delivery.waits, self._delivery.blocked_since


def _replace(path: str, text: bytes) -> None:
    """Put a new file at a path, readable for all. If that fails, raises OSError and leaves the old file."""
    new = f"{path}.{os.getpid()}"  # not .prom: node_exporter must not take it for one more
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o644)
            while text:
                text = text[os.write(descriptor, text) :]
        finally:
            os.close(descriptor)
        os.rename(new, path)
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise
