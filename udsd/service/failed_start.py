"""A failed start under a service manager that keeps descriptors: retries are slowed, and the status has the reason.

systemd starts a service again after a failure (Restart=), and as soon as a datagram waits in its socket. A mistake in
the settings would keep it busy. If it gave up, the socket would fail, and its queue would be lost. So:

1. The first failed start ends at once, so that `systemctl start` and `systemctl restart` fail at once.
2. It leaves a mark with systemd (FDSTORE in sd_notify(3)). A later start that finds the mark and fails, too, shows the
   reason in the status for 10 s (PAUSE), and then ends. So there is one try every 10 s, until one succeeds.
3. SIGTERM and SIGINT end the pause and remove the mark. So a restart by hand is a first start again.
4. A start that succeeds removes the mark.
"""

import os
import signal

from udsd.service import signals, systemd

MARK = "udsd-failed"  # the name of the descriptor
PAUSE = 10.0  # seconds; the manager allows 90 s for a start

_STOP = (signal.SIGTERM, signal.SIGINT)


def pause(reason: str) -> None:
    """Show the reason in the status. If the last start failed, too, wait until the next try is due."""
    names = systemd.passed_descriptors().values()
    systemd.notify(f"STATUS=cannot start: {reason}")
    if MARK not in names:
        systemd.store(MARK, os.memfd_create(MARK, os.MFD_CLOEXEC))
        return
    signals.hold()
    if signal.sigtimedwait(_STOP, PAUSE) is not None:
        systemd.remove_stored(MARK)


def succeeded() -> None:
    """Remove the mark, if the last start failed."""
    if MARK in systemd.passed_descriptors().values():
        systemd.remove_stored(MARK)
