"""The sockets that systemd passed (sd_listen_fds(3)).

They are systemd's: their files are never touched here, and what is queued in them outlives this process.

If the last run was killed, the first datagram in a queue may have been delivered by it and not yet taken off. To know
that, each run has systemd keep a mark for it (FDSTORE in sd_notify(3)), and takes the mark back as the last thing it
does. A run that is passed the mark follows one that could not. The mark is a memfd, so that a run can leave numbers for
the next one in it.
"""

import os
import socket
from typing import NamedTuple

from udsd import formats
from udsd.errors import UdsdError
from udsd.receive.receiver import Receiver
from udsd.service import systemd

_HINT = "correct the socket unit: ListenDatagram=/PATH and FileDescriptorName=FORMAT"
_MARK = "udsd-runs"


class Passed(NamedTuple):
    """What systemd passed: each socket with the name of its format, and the mark of the last run if it was killed."""

    sockets: list[tuple[Receiver, str]]
    mark: int | None


def passed() -> Passed:
    """The passed sockets in the order of the socket unit; none where udsd was not activated.

    Raises UdsdError for a descriptor that is not a UNIX datagram socket, or whose name is not a format.
    """
    descriptors = systemd.passed_descriptors()
    marks = [descriptor for descriptor, name in descriptors.items() if name == _MARK]
    for mark in marks:
        del descriptors[mark]
    return Passed([_socket(descriptor, name) for descriptor, name in descriptors.items()], marks[0] if marks else None)


def new_mark() -> int:
    """The descriptor of a mark for this run, which nobody keeps yet."""
    return os.memfd_create(_MARK, os.MFD_CLOEXEC)


def keep_mark(mark: int) -> None:
    """Have the service manager keep the mark of this run. Needs FileDescriptorStoreMax= in the unit."""
    systemd.notify("FDSTORE=1", f"FDNAME={_MARK}", keep=[mark])


def clear_mark() -> None:
    """Have the service manager forget it: this run ends by itself."""
    systemd.notify("FDSTOREREMOVE=1", f"FDNAME={_MARK}")


def _socket(descriptor: int, name: str) -> tuple[Receiver, str]:
    what = f"descriptor {descriptor} ({name}), passed by the service manager,"
    if not systemd.is_unix_datagram(descriptor):
        raise UdsdError(f"{what} is not a UNIX datagram socket", hint=_HINT, status=os.EX_CONFIG)
    bound = socket.socket(fileno=descriptor)
    if not bound.getsockname():
        raise UdsdError(f"{what} is not bound to an address", hint=_HINT, status=os.EX_CONFIG)
    # Without FileDescriptorName= systemd names a descriptor after its unit; a manager that gives no names
    # at all leaves "unknown".
    chosen = formats.DEFAULT if name == "unknown" or name.endswith(".socket") else name
    if chosen not in formats.NAMES:
        known = ", ".join(formats.NAMES)
        raise UdsdError(f"{what} is not named after a format; known: {known}", hint=_HINT, status=os.EX_CONFIG)
    return Receiver(bound), chosen
