"""What the kernel says about a process: through /proc, and through a pidfd, which proves which process it is.

A pid is only a number, and another process may have it by the time it is looked up. A pidfd is the process itself, even
after it has ended (pidfd_open(2)).

1. Look first, prove afterwards: a sender that lives for a millisecond may be gone after the first system call.
2. A look at /proc/PID saw the process of a datagram's pidfd if that process still had the pid after the look. So
   `look_at` opens a second pidfd by the pid after it has looked. If both pidfds are the same process, that process had
   the pid all the time.
3. Two pidfds are the same process if they have the same inode. This holds on kernels whose pidfds have their own
   inodes, which are never used twice (Linux 6.9). On older kernels, a process keeps its pid as long as it lives.
4. PIDFD_GET_INFO gives user ids only while a process has its pid. So an answer with user ids, asked for after a look,
   proves the look, too, and no second pidfd is needed (Linux 6.13).
5. If a datagram has no pidfd, the process with the pid is the sender if it started before the datagram was sent. /proc
   gives the start to 0.01 s. For a younger process, /proc gives the time that it has run and waited to run (schedstat,
   in nanoseconds); it started at least that long ago. So the process is certainly the sender, probably the sender, or
   certainly a successor.
"""

import fcntl
import os
import select
import struct
import time
from contextlib import suppress
from typing import NamedTuple, Self

TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  # nanoseconds

_TWO_CLOCKS = 20_000  # nanoseconds by which the scheduler's clock and ours may differ over TICK, with NTP
_AT_ONCE = 16384  # bytes; a file of /proc gives less than what is asked for only at its end
_PIDFD_GET_INFO = 0xC040FF0B  # linux/pidfd.h: _IOWR(0xFF, 11, struct pidfd_info), its first version of 64 bytes
_INFO_CREDS, _INFO_CGROUPID, _INFO_EXIT = 1 << 1, 1 << 2, 1 << 3
# mask, cgroupid, pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid, exit_code
_INFO = struct.Struct("@QQ12xI4xI4xI4xI4xi")
_QUESTION = _INFO.pack(_INFO_CREDS | _INFO_CGROUPID | _INFO_EXIT, *[0] * 6)


class Look(NamedTuple):
    """What /proc/PID said: the text of `cgroup`, `comm` and `cmdline`, None for what could not be read.

    `has_uid`: whether one of the process's user ids is the wanted one; None if that cannot be read.
    `started_at`: when the process started, in nanoseconds since the epoch, rounded down to 0.01 s; `started_by`: when
    it started at the latest. None if that is not known.
    `pidfd`: opened by the pid after all reads; None if the process was gone by then. Leaving the context closes it.
    """

    cgroup: bytes | None
    comm: bytes | None
    cmdline: bytes | None
    has_uid: bool | None
    started_at: int | None
    started_by: int | None
    pidfd: int | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pidfd is not None:
            os.close(self.pidfd)


_NOTHING = Look(None, None, None, None, None, None, None)


class Info(NamedTuple):
    """What a pidfd gives of its process: the id of its control group, and its user ids. None for what is not known.

    Since Linux 6.13 it gives both for a process that has its pid, since 6.15 the id also for one that has been reaped.
    """

    cgroup_id: int | None
    uids: tuple[int, ...] | None


def look_at(pid: int, uid: int, *, cmdline: bool, start: bool = False) -> Look:
    """Read /proc about the process with this pid, with as few calls as possible. `start`: also when it started.

    All is read through one descriptor of /proc/PID, which never shows a successor with the same pid (proc(5)). Anything
    that can wait is done after the reads: a sender that ends at once is gone after a tenth of a millisecond.
    """
    try:
        directory = os.open(f"/proc/{pid}", os.O_PATH)
    except OSError:
        return _NOTHING
    opened = [directory]
    try:
        # The name first: newer kernels still give the control group when the process has ended.
        comm = stat = _read(directory, "stat" if start else "comm", opened)
        has_uid = _has_uid(directory, uid, opened)  # without it, none of the others can be used
        cgroup = _read(directory, "cgroup", opened)
        arguments = _read(directory, "cmdline", opened) if cmdline else None
        pidfd = _open_pidfd(pid)
        started_at = started_by = None
        if start and stat:
            schedstat = _read(directory, "schedstat", opened)
            started_by = _from_schedstat(schedstat) if schedstat else None
            comm, started_at = _from_stat(stat)
            if b"\\" in comm:  # older kernels escape it there
                comm = _read(directory, "comm", opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return Look(cgroup, comm, arguments, has_uid, started_at, started_by, pidfd)


def glance_at(pid: int, *, cmdline: bool) -> Look:
    """Read only the name and, if asked for, the command line. The control group and the uid are left to the pidfd."""
    comm = _read_now(f"/proc/{pid}/comm")
    return Look(None, comm, _read_now(f"/proc/{pid}/cmdline") if cmdline else None, None, None, None, None)


def group(pid: int) -> bytes | None:
    """The text of /proc/PID/cgroup."""
    return _read_now(f"/proc/{pid}/cgroup")


def _read_now(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return _contents(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None


def _read(directory: int, name: str, opened: list[int]) -> bytes | None:
    """The contents of a file of /proc/PID; None if the process has been reaped or we may not read it.

    Appends the descriptor to `opened`; the caller closes it.
    """
    try:
        descriptor = os.open(name, os.O_RDONLY, dir_fd=directory)
        opened.append(descriptor)
        return _contents(descriptor)
    except OSError:
        return None


def _contents(descriptor: int) -> bytes:
    contents = part = os.read(descriptor, _AT_ONCE)
    while len(part) == _AT_ONCE:
        part = os.read(descriptor, _AT_ONCE)
        contents += part
    return contents


def _has_uid(directory: int, uid: int, opened: list[int]) -> bool | None:
    """Whether the real, effective, saved or file system user of a process is this one; None if that cannot be read."""
    try:
        if os.fstat(directory).st_uid == uid:  # the effective one
            return True
    except OSError:
        return None
    status = _read(directory, "status", opened)
    if status is None:
        return None
    _, _, ids = status.partition(b"\nUid:")
    return b"%d" % uid in ids.partition(b"\n")[0].split()


def _from_stat(stat: bytes) -> tuple[bytes, int]:
    """The name of a process and a newline, as `comm` has it, and when it started, rounded down to ticks.

    They are fields 2 and 22 of /proc/PID/stat.
    """
    begin, _, rest = stat.rpartition(b") ")
    # In this order a delay between the two clocks makes the start later, never earlier, so that no successor passes.
    boot = -time.clock_gettime_ns(time.CLOCK_BOOTTIME) + time.time_ns()
    return begin.partition(b"(")[2] + b"\n", boot + int(rest.split(maxsplit=20)[19]) * TICK


def _from_schedstat(schedstat: bytes) -> int:
    """The latest time at which a process can have started: now less the time that it has run and waited to run."""
    now = time.time_ns()
    running, waiting, _ = map(int, schedstat.split())
    return now - running - waiting + _TWO_CLOCKS


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def has_ended(pidfd: int) -> bool:
    """Whether the process of a pidfd has ended. Until then no other process has its pid."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def info(pidfd: int) -> Info:
    """What the kernel says about the process of a pidfd (PIDFD_GET_INFO, linux/pidfd.h), even after it has ended."""
    mask, cgroup_id, *uids, _ = _ask(pidfd)
    return Info(cgroup_id if mask & _INFO_CGROUPID else None, tuple(uids) if mask & _INFO_CREDS else None)


def pidfds_tell_users() -> bool:
    """Whether a pidfd gives the user ids of a living process (Linux 6.13)."""
    pidfd = _open_pidfd(os.getpid())
    if pidfd is None:
        return False
    try:
        return info(pidfd).uids is not None
    finally:
        os.close(pidfd)


def exit_status(pidfd: int) -> int | None:
    """The wait status of a process that has been reaped (wait(2)); None before that, and before Linux 6.15."""
    mask, *_, status = _ask(pidfd)
    return status if mask & _INFO_EXIT else None


def _ask(pidfd: int) -> tuple[int, ...]:
    """The members of struct pidfd_info; its mask, the first, says which of them are known."""
    for _ in range(2):  # one answer can fail in the instant in which the process is being reaped
        with suppress(OSError):
            return _INFO.unpack(fcntl.ioctl(pidfd, _PIDFD_GET_INFO, _QUESTION))
    return _INFO.unpack(bytes(_INFO.size))


def unique_inode(pidfd: int, shared: os.stat_result) -> int | None:
    """The inode number of a pidfd, which no other process's pidfd ever has; None if all pidfds share one.

    `shared` is the fstat(2) of any descriptor without a file, such as one of epoll_create(2): it has that shared inode.
    """
    status = os.fstat(pidfd)
    return None if os.path.samestat(status, shared) else status.st_ino
