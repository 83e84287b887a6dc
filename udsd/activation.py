"""The sockets that systemd passed (sd_listen_fds(3)).

They are systemd's: their files are never touched here, and what is queued in them outlives us.
"""

import os
import socket

from udsd import manager
from udsd.errors import UdsdError
from udsd.formats import DEFAULT, FORMATS
from udsd.inbox import Inbox

_HINT = "correct the socket unit: ListenDatagram=/PATH and FileDescriptorName=FORMAT"


def passed_inboxes() -> list[Inbox]:
    """An Inbox for each passed socket, in the order of the socket unit; none where we were not activated.

    Raises UdsdError for a descriptor that is not a UNIX datagram socket, or whose name is not a format.
    """
    return [_inbox(descriptor, name) for descriptor, name in manager.passed_descriptors().items()]


def _inbox(descriptor: int, name: str) -> Inbox:
    what = f"descriptor {descriptor} ({name}), passed by the service manager,"
    if not manager.is_unix_datagram(descriptor):
        raise UdsdError(f"{what} is not a UNIX datagram socket", hint=_HINT, status=os.EX_CONFIG)
    receiver = socket.socket(fileno=descriptor)
    if not receiver.getsockname():
        raise UdsdError(f"{what} is not bound to an address", hint=_HINT, status=os.EX_CONFIG)
    # Without FileDescriptorName= systemd names a descriptor after its unit; a manager that gives no names
    # at all leaves "unknown".
    chosen = DEFAULT if name == "unknown" or name.endswith(".socket") else name
    if chosen not in FORMATS:
        known = ", ".join(FORMATS)
        raise UdsdError(f"{what} is named for no format; known: {known}", hint=_HINT, status=os.EX_CONFIG)
    return Inbox(receiver, FORMATS[chosen])
