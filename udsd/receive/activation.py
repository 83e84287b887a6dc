"""The sockets that systemd passed (sd_listen_fds(3)).

They are systemd's: their files are never touched here, and what is queued in them outlives us.

If the last run was killed, the first datagram in a queue may have been delivered by it, and not yet been taken off.
To know that, each run has systemd keep a mark for it (FDSTORE in sd_notify(3)), and takes it back as the last thing
it does. A run that is passed the mark follows one that could not.
"""

import os
import socket

from udsd import formats
from udsd.errors import UdsdError
from udsd.receive.receiver import Inbox
from udsd.service import systemd

_HINT = "correct the socket unit: ListenDatagram=/PATH and FileDescriptorName=FORMAT"
_MARK = "udsd-runs"


def passed_inboxes() -> list[Inbox]:
    """An Inbox for each passed socket, in the order of the socket unit; none where we were not activated.

    Raises UdsdError for a descriptor that is not a UNIX datagram socket, or whose name is not a format.
    """
    descriptors = systemd.passed_descriptors()
    marks = [descriptor for descriptor, name in descriptors.items() if name == _MARK]
    for mark in marks:
        del descriptors[mark]
        os.close(mark)
    return [_inbox(descriptor, name, follows_a_kill=bool(marks)) for descriptor, name in descriptors.items()]


def set_mark() -> None:
    """Have the service manager keep the mark of this run. Needs FileDescriptorStoreMax= in the unit."""
    mark = os.memfd_create(_MARK, os.MFD_CLOEXEC)
    systemd.notify("FDSTORE=1", f"FDNAME={_MARK}", keep=[mark])
    os.close(mark)


def clear_mark() -> None:
    """Have the service manager forget it: this run ends by itself."""
    systemd.notify("FDSTOREREMOVE=1", f"FDNAME={_MARK}")


def _inbox(descriptor: int, name: str, *, follows_a_kill: bool) -> Inbox:
    what = f"descriptor {descriptor} ({name}), passed by the service manager,"
    if not systemd.is_unix_datagram(descriptor):
        raise UdsdError(f"{what} is not a UNIX datagram socket", hint=_HINT, status=os.EX_CONFIG)
    receiver = socket.socket(fileno=descriptor)
    if not receiver.getsockname():
        raise UdsdError(f"{what} is not bound to an address", hint=_HINT, status=os.EX_CONFIG)
    # Without FileDescriptorName= systemd names a descriptor after its unit; a manager that gives no names
    # at all leaves "unknown".
    chosen = formats.DEFAULT if name == "unknown" or name.endswith(".socket") else name
    if chosen not in formats.NAMES:
        known = ", ".join(formats.NAMES)
        raise UdsdError(f"{what} is named for no format; known: {known}", hint=_HINT, status=os.EX_CONFIG)
    return Inbox(receiver, formats.named(chosen), follows_a_kill=follows_a_kill)
