"""The processes that send, and what is certain about each.

1. A process is known by its pidfd. While that shows it alive, its pid is nobody else's, and since a queue is in order
   a later datagram from that pid on the same socket is from that process. So a steady sender costs one poll(2).
2. /proc is read while the process is alive, at most once a second, so that an exec or a move to another unit shows.
3. Of a sender that has ended the pidfd still tells the control group. What that does not tell is left out.
4. The table is bounded: the process that was silent longest makes room. Whatever happens, a datagram only ever gets
   the fields of the process that sent it, or none.
5. Without pidfds (before Linux 6.5) /proc is believed if the process there has the uid of the sender. It may be a
   successor with the same pid, so what is told then comes with UDSD_SENDER_UNPROVEN=1.
6. To an entry with OBJECT_PID that comes from uid 0, journald adds what it finds in /proc itself. So a daemon that
   runs as root tells the pid of a sender that has ended as UDSD_SENDER_PID.
"""

import os
from collections import OrderedDict
from typing import NamedTuple

from udsd import cgroup
from udsd.entry import Field
from udsd.identity import Sender, fields_of
from udsd.inbox import Inbox
from udsd.process import CgroupPaths, Process, cgroup_path, read_proc

_FRESH = 1.0  # seconds for which what was read is good
_MOST = 256  # processes; each holds a descriptor
_UNPROVEN: Field = ("UDSD_SENDER_UNPROVEN", b"1")


class Identity(NamedTuple):
    """What an entry tells of its sender, and whose account it goes on: a unit, or a user where there is none."""

    fields: tuple[Field, ...]
    account: str


class _Known:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.fields: tuple[Field, ...] = ()
        self.read_at = 0.0


class Senders:
    """Who sends on the sockets of one daemon. `cmdline`: tell command lines too, which can hold secrets."""

    def __init__(self, *, cmdline: bool = False) -> None:
        self._cmdline = cmdline
        self._root = os.geteuid() == 0
        self._known: OrderedDict[tuple[str, int], _Known] = OrderedDict()
        self._cgroups = CgroupPaths()

    def identify(self, inbox: Inbox, sender: Sender | None, now: float) -> Identity:
        """What is certain about the sender of the datagram that was last looked at; `now` in monotonic seconds."""
        if sender is None:
            return Identity((), "unknown senders")
        found = self._fields(inbox, sender, now)
        unit = next((value for name, value in found if name == "OBJECT_SYSTEMD_UNIT"), None)
        return Identity(found, unit.decode() if unit else f"uid {sender.uid}")

    def _fields(self, inbox: Inbox, sender: Sender, now: float) -> tuple[Field, ...]:
        key = inbox.name, sender.pid
        known = self._known.get(key)
        if known is not None:
            if known.process.alive():
                self._known.move_to_end(key)
                if now >= known.read_at + _FRESH:
                    self._read(known, now)
                return fields_of(sender) + known.fields
            self._forget(key)
        if not sender.pid:
            return fields_of(sender)
        if not inbox.proves_senders:
            return fields_of(sender) + self._unproven(sender)
        process = inbox.peek_process(sender.pid)
        if process is None:
            return self._ended(sender)
        known = self._known[key] = _Known(process)
        self._read(known, now)
        if process.alive():
            self._make_room()
            return fields_of(sender) + known.fields
        self._forget(key)
        return self._ended(sender) + known.fields

    def _make_room(self) -> None:
        """Forget those that were silent longest: the ended ones, and one more where the table is full."""
        while self._known:
            key, oldest = next(iter(self._known.items()))
            if len(self._known) <= _MOST and oldest.process.alive():
                return
            self._forget(key)

    def _forget(self, key: tuple[str, int]) -> None:
        self._known.pop(key).process.close()

    def _read(self, known: _Known, now: float) -> None:
        process = known.process
        known.read_at = now
        table = process.read("cgroup")
        cgroup_id = process.cgroup_id()
        if table is not None:
            path = cgroup_path(table)
            if cgroup_id is not None and path is not None and b"0::%s\n" % os.fsencode(path) in table:
                self._cgroups.learn(cgroup_id, path)  # for what it sends last, when it and its unit have ended
        else:
            path = None if cgroup_id is None else self._cgroups.path(cgroup_id)
        cmdline = process.read("cmdline") if self._cmdline else None
        known.fields = _told(process.read("comm"), cmdline, path)

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
        fields.append(("OBJECT_CMDLINE", cmdline.removesuffix(b"\0").replace(b"\0", b" ")))
    return (*fields, *(cgroup.fields_of(path) if path else ()))
