"""Signals that ask the daemon to leave.

The first one sets a flag and makes a descriptor readable, so that the loop learns of it in its one poll(2) and
acts when it can. The second one ends the process at once.
"""

import os
import signal
from types import FrameType

# SIGHUP as well: a terminal that closes must not leave a socket file behind, and there is nothing to reload.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_no_zombies() -> None:
    """As PID 1 of a container: have the kernel bury the children of others, which become ours when those end."""
    if os.getpid() == 1:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


class StopSignals:
    """Handlers for the signals above, from construction to the end of the process.

    `received` is the name of the signal that came, None before one did. `fileno()` polls readable then.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._readable, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._readable

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number).name
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # PID 1 of a container is not killed by a signal of its own
