"""Notifications to the service manager while the daemon runs: the status text (STATUS=) and the watchdog (WATCHDOG=1).

1. The loop itself notifies the watchdog. So if the loop hangs, the service manager restarts the daemon.
2. A changed status is sent once it has not changed for 0.02 s, so that it is true when somebody looks at it, and once a
   second while it keeps changing. A message to PID 1 for each datagram would cost more than the datagram. While nothing
   changes, only WATCHDOG=1 is due.

Times are seconds of a monotonic clock, passed in.
"""

import math
from collections.abc import Callable

_STATUS_INTERVAL = 1.0
_CALM = 0.02


class Watchdog:
    """`interval` is the watchdog's, in seconds, None without one. `send` takes sd_notify(3) assignments."""

    def __init__(self, interval: float | None, send: Callable[..., None], now: float) -> None:
        self._interval = math.inf if interval is None else interval
        self._send = send
        self._watchdog_due = now + self._interval
        self._status_due = now
        self._sent: object = None  # the state of the last status
        self._seen: object = None  # the state at the last turn of the loop
        self._calm_at = now

    def due(self, state: object) -> float:
        """When `notify` has something to send next, if the state does not change until then; may be infinite."""
        if state == self._sent:
            return self._watchdog_due
        return min(self._watchdog_due, self._status_due, self._calm_at if state == self._seen else math.inf)

    def notify(self, now: float, state: object, words: Callable[[], str]) -> None:
        """Send what is due. `words` makes the status text; it is called only when `state` has changed.

        Call it at each turn of the loop, since it also notes when the state has changed.
        """
        if state != self._seen:
            self._seen = state
            self._calm_at = now + _CALM
        if now < self.due(state):
            return
        assignments = []
        if now >= self._watchdog_due:
            assignments.append("WATCHDOG=1")
            self._watchdog_due = now + self._interval
        if state != self._sent:
            assignments.append(f"STATUS={words()}")
            self._sent = state
            self._status_due = now + _STATUS_INTERVAL
        self._send(*assignments)
