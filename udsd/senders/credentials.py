"""Who sent a datagram according to the kernel: process, user and group.

The kernel attaches these to each datagram (SCM_CREDENTIALS, unix(7)), as seen from our own namespaces. What it does not
know is left out, never guessed:

1. pid 0 means that our pid namespace does not show the process. Then there is no OBJECT_PID.
2. pid 0 and the overflow user mean that the datagram was sent before SO_PASSCRED was set. Nothing is known about its
   sender, so there are no Credentials.
"""

import struct
from typing import NamedTuple

from udsd.journal.entry import Field

_UCRED = struct.Struct("=iII")  # struct ucred of unix(7)
_OVERFLOW_ID = 65534  # the kernel's number for a user or group that has none in our namespace (user_namespaces(7))


class Credentials(NamedTuple):
    """The sending process. `pid` is 0 if our pid namespace does not show it."""

    pid: int
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"uid {self.uid}, pid {self.pid}" if self.pid else f"uid {self.uid}"


def decode_ucred(ucred: bytes) -> Credentials | None:
    """The credentials in a `struct ucred`, or None if the kernel attached none."""
    pid, uid, gid = _UCRED.unpack(ucred)
    if pid == 0 and uid == _OVERFLOW_ID:
        return None
    return Credentials(pid, uid, gid)


def fields_of(sender: Credentials | None) -> tuple[Field, ...]:
    """The fields of systemd.journal-fields(7) for these credentials."""
    if sender is None:
        return ()
    ids = (("OBJECT_UID", b"%d" % sender.uid), ("OBJECT_GID", b"%d" % sender.gid))
    return (("OBJECT_PID", b"%d" % sender.pid), *ids) if sender.pid else ids
