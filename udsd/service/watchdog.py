"""Notifications to the service manager while the daemon runs: the status in words, and the watchdog's sign of life.

1. The loop itself sends the sign of life. So if the loop hangs, the service manager restarts the daemon.
2. The status is sent when it has changed: as soon as it has not changed for a moment, so that it is true when somebody
   looks at it, and once a second while it keeps changing. A message to PID 1 for each datagram would cost more than the
   datagram. While nothing changes, only signs of life are due.

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
        """Send what is due. `words` is the status in words; it is called only when `state` is a new one.

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
