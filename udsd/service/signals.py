"""Signals: those that ask the daemon to leave, and the one that asks for its counters.

Each sets a flag and makes a descriptor readable, so that the loop learns of it in its one poll(2) and acts when it can.
The second one that asks to leave ends the process at once.
"""

import os
import signal
from types import FrameType

# To leave. SIGHUP as well: a terminal that closes must not leave a socket file behind, and there is nothing to reload.
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_no_zombies() -> None:
    """As PID 1 of a container: have the kernel bury the children of others, which become ours when those end."""
    if os.getpid() == 1:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


class Signals:
    """Handlers for the signals above, from construction to the end of the process.

    `stop` is the name of the signal that asked to leave, None before one did. `fileno()` polls readable when there is
    something new; `asked_for_counters` says whether that is it, once.
    """

    def __init__(self) -> None:
        self.stop: str | None = None
        self._counters = False
        self._readable, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._handle_stop)
        signal.signal(signal.SIGUSR1, self._handle_counters)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._readable

    def asked_for_counters(self) -> bool:
        """Whether somebody has asked for the counters since the last call."""
        asked, self._counters = self._counters, False
        if asked:
            os.read(self._readable, 4096)
        return asked

    def _handle_counters(self, _number: int, _frame: FrameType | None) -> None:
        self._counters = True

    def _handle_stop(self, number: int, _frame: FrameType | None) -> None:
        if self.stop is None:
            self.stop = signal.Signals(number).name
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # PID 1 of a container is not killed by a signal of its own
