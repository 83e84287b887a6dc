"""The processes that send on a socket, and what is certain about each.

1. A process is known by its pidfd. While that shows it alive, its pid is nobody else's, and since a queue is in order
   a later datagram from that pid on the same socket is from that process. So a steady sender costs one epoll_wait(2),
   which asks whether any of those that are known has ended, and costs the same however many they are.
2. /proc is read while the process is alive, at most once a second, so that an exec or a move to another unit shows.
   What was found is kept in the form in which each entry of that process ends.
3. Of a sender that has ended the pidfd still tells the control group. What that does not tell is left out.
4. The table is bounded: the process that was looked at longest ago makes room. Whatever happens, a datagram only ever
   gets the fields of the process that sent it, or none.
5. Without pidfds (before Linux 6.5) /proc is believed if the process there has the uid of the sender. It may be a
   successor with the same pid, so what is told then comes with UDSD_SENDER_UNPROVEN=1.
6. To an entry with OBJECT_PID that comes from uid 0, journald adds what it finds in /proc itself. So a daemon that
   runs as root tells the pid of a sender that has ended as UDSD_SENDER_PID.
"""

import os
import resource
import select
from collections import OrderedDict
from typing import NamedTuple

from udsd.journal.entry import Entry, Field, encode
from udsd.receive.receiver import Inbox
from udsd.senders import cgroup
from udsd.senders.credentials import Sender, fields_of, sender_of
from udsd.senders.process import CgroupPaths, Process, cgroup_path, read_proc

_FRESH = 1.0  # seconds for which what was read is good
_MOST = 256  # processes of one socket; each holds a descriptor
_OTHER_DESCRIPTORS = 24  # for all else that the daemon does
_FOR_EACH_SOCKET = 3  # the socket, the lock beside its file, and what tells which of its senders have ended
_LONGEST_CMDLINE = 4096  # bytes: the rest of a longer one is left out, since the table holds them all
_UNPROVEN: Field = ("UDSD_SENDER_UNPROVEN", b"1")


class Identity(NamedTuple):
    """What an entry tells of its sender and of the socket, and whose account it goes on.

    That is the account of a unit, or of a user where there is none. `sender` is None where the kernel knows none.
    """

    entry: Entry  # the fields, as the end of an entry
    entry_of_named: Entry  # the same for a datagram that has a SYSLOG_IDENTIFIER of its own
    account: str
    sender: Sender | None


def kind_of(identity: Identity) -> str:
    """Whose account it goes on, for counting: a unit's, a user's, or nobody's that is known."""
    if identity.sender is None:
        return "unknown"
    return "user" if identity.account.startswith("uid ") else "unit"


class _Known:
    __slots__ = ("identity", "process", "stale_at")

    def __init__(self, process: Process) -> None:
        self.process = process
        self.stale_at = 0.0
        self.identity: Identity


def room_for_each(sockets: int) -> int:
    """How many processes each of so many sockets may know, so that descriptors are left for all else."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MOST, (limit - _OTHER_DESCRIPTORS) // sockets - _FOR_EACH_SOCKET))


class Senders:
    """Who sends on one socket. `cmdline`: tell command lines too, which can hold secrets. `most`: see rule 4."""

    def __init__(self, inbox: Inbox, cgroups: CgroupPaths, *, most: int = _MOST, cmdline: bool = False) -> None:
        self._inbox = inbox
        self._cgroups = cgroups
        self._most = most
        self._cmdline = cmdline
        self._root = os.geteuid() == 0
        self._known: OrderedDict[bytes, _Known] = OrderedDict()  # by credentials, in the order of the last look
        self._ends = select.epoll()  # readable when one of those has ended
        self._by_pidfd: dict[int, bytes] = {}

    def identify(self, credentials: bytes, now: float) -> Identity:
        """What is certain about the sender of the datagram that was last looked at.

        `credentials` are its `struct ucred`; `now` is in monotonic seconds.
        """
        known = self._known.get(credentials)
        if known is None or (self._ends.poll(0, 1) and self._has_ended(credentials)):
            return self._meet(credentials, now)
        if now >= known.stale_at:
            self._known.move_to_end(credentials)
            self._look(known, sender_of(credentials), now)
        return known.identity

    def _meet(self, credentials: bytes, now: float) -> Identity:
        """The same for a process that is not known yet, and may have ended."""
        sender = sender_of(credentials)
        if sender is None or not sender.pid:
            return self._identity(sender, fields_of(sender))
        if not self._inbox.proves_senders:
            return self._identity(sender, fields_of(sender) + self._unproven(sender))
        self._forget_ended()  # first, so that there is a descriptor for this one
        process = self._inbox.peek_process(sender.pid)
        if process is None:
            return self._identity(sender, self._ended(sender))
        known = _Known(process)
        told = self._look(known, sender, now)
        if not process.alive():
            process.close()
            return self._identity(sender, self._ended(sender) + told)
        if len(self._known) == self._most:
            self._forget(next(iter(self._known)))
        self._known[credentials] = known
        self._by_pidfd[process.pidfd] = credentials
        self._ends.register(process.pidfd, select.EPOLLIN)
        return known.identity

    def _has_ended(self, credentials: bytes) -> bool:
        """Forget the processes that have ended; whether the one with these credentials was among them."""
        self._forget_ended()
        return credentials not in self._known

    def _forget_ended(self) -> None:
        for pidfd, _ in self._ends.poll(0):
            self._forget(self._by_pidfd[pidfd])

    def _forget(self, credentials: bytes) -> None:
        process = self._known.pop(credentials).process
        del self._by_pidfd[process.pidfd]
        process.close()  # and so the last word of it in the epoll(7) instance, since nobody else holds this pidfd

    def _look(self, known: _Known, sender: Sender | None, now: float) -> tuple[Field, ...]:
        """Read what there is about a process, which makes its identity if it is alive; the fields that were found."""
        process = known.process
        table = process.read("cgroup")
        cgroup_id = process.cgroup_id()
        if table is not None:
            path = cgroup_path(table)
            if cgroup_id is not None and path is not None and b"0::%s\n" % os.fsencode(path) in table:
                self._cgroups.learn(cgroup_id, path)  # for what it sends last, when it and its unit have ended
        else:
            path = None if cgroup_id is None else self._cgroups.path(cgroup_id)
        cmdline = process.read("cmdline") if self._cmdline else None
        told = _told(process.read("comm"), cmdline, path)
        known.identity = self._identity(sender, fields_of(sender) + told)
        known.stale_at = now + _FRESH
        return told

    def _identity(self, sender: Sender | None, fields: tuple[Field, ...]) -> Identity:
        unit = next((value.decode() for name, value in fields if name == "OBJECT_SYSTEMD_UNIT"), "")
        account = unit or (f"uid {sender.uid}" if sender else "unknown senders")
        told = encode((*fields, self._inbox.field))
        unnamed = encode([*(field for field in fields if field[0] != "SYSLOG_IDENTIFIER"), self._inbox.field])
        return Identity(told, unnamed, account, sender)

    def _ended(self, sender: Sender) -> tuple[Field, ...]:
        told = fields_of(sender)
        return tuple(("UDSD_SENDER_PID" if n == "OBJECT_PID" else n, v) for n, v in told) if self._root else told

    def _unproven(self, sender: Sender) -> tuple[Field, ...]:
        status, table = read_proc(sender.pid, "status"), read_proc(sender.pid, "cgroup")
        if status is None or table is None or b"\nUid:\t%d\t" % sender.uid not in status:
            return ()
        cmdline = read_proc(sender.pid, "cmdline") if self._cmdline else None
        return (*_told(read_proc(sender.pid, "comm"), cmdline, cgroup_path(table)), _UNPROVEN)


def _told(comm: bytes | None, cmdline: bytes | None, path: str | None) -> tuple[Field, ...]:
    fields: list[Field] = []
    if comm:
        name = comm.removesuffix(b"\n")
        fields += [("SYSLOG_IDENTIFIER", name), ("OBJECT_COMM", name)]
    if cmdline:
        fields.append(("OBJECT_CMDLINE", cmdline[:_LONGEST_CMDLINE].removesuffix(b"\0").replace(b"\0", b" ")))
    return (*fields, *(cgroup.fields_of(path) if path else ()))
