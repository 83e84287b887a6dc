"""What an entry records about its sender, and whom the datagram is charged to.

Readers show an entry without SYSLOG_IDENTIFIER or SYSLOG_PID as udsd's own. So each entry has an identifier: the
sender's, else the name of its process, else of its unit, else `unknown`; and a pid, the sender's or the kernel's.
"""

from functools import lru_cache
from typing import NamedTuple

from udsd.journal.entry import Entry, Field, encode
from udsd.senders import cgroup
from udsd.senders.credentials import Credentials

LONGEST_CMDLINE = 4096  # bytes; a longer one is cut, since the registry holds one for each process

_NO_NAME = b"unknown"  # for a sender without a name; without it, journalctl would show udsd
_MOST_ALIKE = 128
_BARE = {"OBJECT_PID", "OBJECT_UID", "OBJECT_GID", "UDSD_SENDER_PID", "UDSD_SENDER_UNPROVEN"}


class Account(NamedTuple):
    """Whom a datagram is charged to: a `unit`, a `user` outside of units, or the `unknown` senders together."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"uid {self.name}" if self.kind == "user" else self.name or "unknown senders"


_NOBODY = Account("unknown", "")


class Identity(NamedTuple):
    """What an entry records about its sender and the socket, and the account that is charged.

    `name_account` is charged for new field names. It is the user for all login sessions, each of which is a unit.
    `sender` is None if the kernel names none. `is_known`: more is known of it than pid, uid and gid.
    """

    defaults: tuple[Entry, ...]  # name and pid for a datagram without them; the index is its `entry.own_names`
    ending: Entry  # all other fields, as the end of an entry
    account: Account
    name_account: Account
    sender: Credentials | None
    is_known: bool


def identity_of(sender: Credentials | None, fields: tuple[Field, ...], socket: Field) -> Identity:
    """The identity of a sender with these `fields` of its process, on the socket that the field `socket` names.

    If it has a pid, the field of the pid is the first.
    """
    own = 1 if sender and sender.pid else 0
    name, ending, account, names, is_known = _but_for_pid(sender and sender.uid, fields[own:], socket)
    pid = encode([("SYSLOG_PID", b"%d" % sender.pid)]) if sender and sender.pid else b""
    return Identity((name + pid, pid, name, b""), encode(fields[:own]) + ending, account, names, sender, is_known)


@lru_cache(_MOST_ALIKE)  # short-lived processes of one unit are alike but for the pid
def _but_for_pid(
    uid: int | None, fields: tuple[Field, ...], socket: Field
) -> tuple[Entry, Entry, Account, Account, bool]:
    """The name, the ending, both accounts, and whether it is known, of senders with the same fields."""
    values = dict(fields)
    unit = values.get("OBJECT_SYSTEMD_UNIT", b"").decode()
    user = _NOBODY if uid is None else Account("user", str(uid))
    account = Account("unit", unit) if unit else user
    names = user if unit.startswith("session-") else account
    name = encode([("SYSLOG_IDENTIFIER", values.get("OBJECT_COMM") or unit.rpartition(".")[0].encode() or _NO_NAME)])
    return name, encode((*fields, socket)), account, names, not values.keys() <= _BARE


def fields_of_process(comm: bytes | None, cmdline: bytes | None, path: str | None) -> tuple[Field, ...]:
    """The fields of a process, from the texts of `comm` and `cmdline` in /proc and the path of its control group."""
    fields: list[Field] = []
    if comm:
        name = comm.removesuffix(b"\n")
        fields.append(("OBJECT_COMM", name))
    if cmdline:
        fields.append(("OBJECT_CMDLINE", cmdline[:LONGEST_CMDLINE].removesuffix(b"\0").replace(b"\0", b" ")))
    return (*fields, *(cgroup.fields_of(path) if path else ()))
