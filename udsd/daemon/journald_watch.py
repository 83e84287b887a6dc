"""When journald dies, deliver again the entry that it had read and not stored.

PID 1 keeps the queue of journald's socket while journald is dead. The one entry that is lost then is the one that
journald had read and not yet stored: it reads one at a time, and stores it before it reads the next.

1. The process of journald is found by the control group of its unit, and watched through a pidfd: pidfd_open(2) and
   poll(2) need no privilege.
2. While journald is dead nobody reads the queue. So the bytes that the kernel then holds of ours show which entry was
   read last (`journal.journald`). This has to be noted at once, since the next journald continues reading.
3. A journald that exited with status 0 has stored what it had read. Its status is known once PID 1 has reaped it
   (PIDFD_GET_INFO, Linux 6.15). Older kernels do not give it: there the entry is always sent again.
4. The entry is marked as a possible repeat, since journald may have died between storing it and reading the next.
5. After a death udsd looks for the successor every 5 ms at first, then ever less often; after 10 s only when it is
   awake anyway. If a journald lived for less than an eighth of the time since the death before, its own death may go
   unnoticed.

Times are seconds of a monotonic clock.
"""

import math
import os
import re
import select
from contextlib import suppress

from udsd.journal.journald import JOURNALD_SOCKET, Journal
from udsd.senders import cgroup, process

_ROOTS = (*cgroup.ROOTS, "/sys/fs/cgroup/systemd")  # the last one on hosts without cgroup2
_UNIT = "system.slice/systemd-journald.service"
_UNIT_OF_NAMESPACE = "system.slice/system-systemd\\x2djournald.slice/systemd-journald@{}.service"
_NAMESPACE = re.compile(r"/journal\.([^/]+)")  # the end of the directory that systemd puts in journald's place
_OFTEN, _SELDOM = 0.005, 1.0  # seconds between two looks: a journald needs some 0.03 s before it reads anything
_AWAKE_FOR = 10.0  # seconds after a death
_UNTIL_REAPED = 1.0  # seconds


class JournaldWatch:
    """Watches the journald that reads what `journal` sends."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        unit = _unit(_mount_root(os.path.dirname(JOURNALD_SOCKET)))
        self._groups = [f"{root}/{unit}" for root in _ROOTS]
        self._epoll = select.epoll()
        self._pidfd: int | None = None
        self._ended = False
        self._died_at = -math.inf
        self._next = -math.inf

    def fileno(self) -> int:
        """The descriptor that polls readable when journald has ended. Call `note_end` then."""
        return self._epoll.fileno()

    def due(self) -> float:
        """When to call `attend` at the latest; infinite if it can wait for other things."""
        return self._next if self._next - self._died_at <= _AWAKE_FOR else math.inf

    def note_end(self, now: float) -> None:
        """Note that journald has ended, and which entry it had read last."""
        if self._pidfd is not None and not self._ended:
            self._journal.note_in_hand()
            self._epoll.unregister(self._pidfd)
            self._ended, self._died_at, self._next = True, now, now

    def attend(self, now: float) -> bool:
        """If due, find out how journald ended, and look for its successor. Returns whether an entry is to be resent."""
        if now < self._next:
            return False
        lost = False
        if self._ended:
            assert self._pidfd is not None
            status = process.exit_status(self._pidfd)
            if status is None and now < self._died_at + _UNTIL_REAPED:
                self._next = now + _OFTEN
                return False
            lost = status != 0
            self._journal.settle_in_hand(stored=not lost)
            os.close(self._pidfd)
            self._pidfd, self._ended = None, False
        self._pidfd = self._find()
        if self._pidfd is not None:
            self._epoll.register(self._pidfd, select.EPOLLIN)
            self._next = math.inf
        else:
            self._next = now + min(_SELDOM, max(_OFTEN, (now - self._died_at) / 8))
        return lost

    def _find(self) -> int | None:
        """A pidfd of journald; None if it does not run, or is not where systemd keeps it."""
        for group in self._groups:
            for pid in cgroup.members(group):
                with suppress(OSError):  # pid 0, a process outside of our pid namespace, is refused
                    return os.pidfd_open(int(pid))
        return None


def _mount_root(directory: str) -> str:
    """The root of the mount at `directory`, within its file system; empty if nothing is mounted there."""
    root = ""
    with suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for row in table:
            fields = row.split(" ")
            if fields[4] == directory:
                root = fields[3]  # the last one is on top
    return root


def _unit(mount_root: str) -> str:
    """The control group of the journald whose directory is mounted (LogNamespace= in systemd.exec(5))."""
    namespace = _NAMESPACE.search(mount_root)
    return _UNIT_OF_NAMESPACE.format(namespace[1]) if namespace else _UNIT
