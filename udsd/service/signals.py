"""Signals that stop the daemon, have it log its counters, or have it reopen its output file.

Each sets a flag and makes a descriptor readable. That wakes the poll(2) of the loop, which then acts. The second signal
that asks to stop ends the process at once.
"""

import os
import signal
from types import FrameType

# To stop. Without --output SIGHUP, too: closing a terminal must not leave a socket file behind, and there is nothing
# to reload.
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def hold() -> None:
    """Block the signals that stop the daemon until it has started: then it delivers what is queued before it stops."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)


def release() -> None:
    """Undo `hold`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)


def leave_no_zombies() -> None:
    """As PID 1 of a container: have the kernel reap orphans that were reparented to us."""
    if os.getpid() == 1:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


class Signals:
    """Handlers for the signals above, from construction to the end of the process. `reopens`: SIGHUP does not stop.

    `stop` is the name of the signal that asked to stop; None until then. `fileno()` polls readable after a signal; then
    call `clear`.
    """

    def __init__(self, *, reopens: bool = False) -> None:
        self.stop: str | None = None
        self._counters = self._reopen = False
        self._readable, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._handle_stop)
        signal.signal(signal.SIGUSR1, self._handle_counters)
        if reopens:
            signal.signal(signal.SIGHUP, self._handle_reopen)
        release()

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._readable

    def clear(self) -> None:
        """Make the descriptor unreadable until the next signal. Any signal with a handler makes it readable."""
        os.read(self._readable, 4096)

    def asked_for_counters(self) -> bool:
        """Whether SIGUSR1 has come since the last call."""
        asked, self._counters = self._counters, False
        return asked

    def asked_to_reopen(self) -> bool:
        """Whether SIGHUP has come since the last call, if `reopens`."""
        asked, self._reopen = self._reopen, False
        return asked

    def _handle_reopen(self, _number: int, _frame: FrameType | None) -> None:
        self._reopen = True

    def _handle_counters(self, _number: int, _frame: FrameType | None) -> None:
        self._counters = True

    def _handle_stop(self, number: int, _frame: FrameType | None) -> None:
        if self.stop is None:
            self.stop = signal.Signals(number).name
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # PID 1 of a container is not killed by a signal of its own
