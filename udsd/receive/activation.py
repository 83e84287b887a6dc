"""The sockets that systemd passed (sd_listen_fds(3)).

They belong to systemd: udsd never touches their files, and what is queued in them outlives udsd. When the socket unit
is stopped, systemd closes the socket, removes its file, and then stops udsd, which still holds it (`daemon.shutdown`).

If the last run was killed, it may have delivered the first datagram of a queue and not yet taken it off. To detect
that, each run gives systemd a mark to keep (FDSTORE in sd_notify(3)), and removes the mark just before it ends. A run
that gets a mark from systemd knows that the run before was killed. The mark is a memfd, so that a run can leave numbers
in it for the next one (`daemon.drop_ledger`).
"""

import os
import socket
from typing import NamedTuple

from udsd import formats
from udsd.errors import UdsdError
from udsd.receive.kept_socket import KEPT, Kept
from udsd.receive.receiver import Receiver, is_sealed
from udsd.service import failed_start, systemd

_HINT = "correct the socket unit: ListenDatagram=/PATH and FileDescriptorName=FORMAT"
_MARK = "udsd-runs"


class Passed(NamedTuple):
    """What systemd passed: sockets with their formats; if the last run was killed, its mark and what it had bound."""

    sockets: list[tuple[Receiver, str]]
    mark: int | None
    kept: list[Kept]


def passed() -> Passed:
    """The passed sockets in the order of the socket unit; none if systemd passed none.

    Raises UdsdError for a descriptor that is not a UNIX datagram socket, or whose name is not a format.
    """
    descriptors = systemd.passed_descriptors()
    marks = [descriptor for descriptor, name in descriptors.items() if name == _MARK]
    kept = {descriptor: name for descriptor, name in descriptors.items() if name.startswith(f"{KEPT}.")}
    sockets = [
        _socket(descriptor, name)
        for descriptor, name in descriptors.items()
        if name not in (_MARK, failed_start.MARK) and descriptor not in kept
    ]
    return Passed(sockets, marks[0] if marks else None, [_kept(*item) for item in kept.items()])


def new_mark() -> int:
    """Make a mark for this run. Returns its descriptor. systemd does not keep it yet."""
    return os.memfd_create(_MARK, os.MFD_CLOEXEC)


def keep_mark(mark: int) -> None:
    """Give the mark of this run to the service manager."""
    systemd.store(_MARK, mark)


def clear_mark() -> None:
    """Remove the mark from the service manager: this run was not killed."""
    systemd.remove_stored(_MARK)


def _kept(descriptor: int, name: str) -> Kept:
    _, form, _ = name.split(".")
    return Kept(socket.socket(fileno=descriptor), name, form)


def _socket(descriptor: int, name: str) -> tuple[Receiver, str]:
    what = f"descriptor {descriptor} ({name}), passed by the service manager,"
    if not systemd.is_unix_datagram(descriptor):
        raise UdsdError(f"{what} is not a UNIX datagram socket", hint=_HINT, status=os.EX_CONFIG)
    bound = socket.socket(fileno=descriptor)
    if not bound.getsockname():
        raise UdsdError(f"{what} is not bound to an address", hint=_HINT, status=os.EX_CONFIG)
    if is_sealed(bound):  # by a run that did not find the file of the socket when it ended
        hint = "make a new one: restart the socket unit"
        raise UdsdError(f"{what} has been shut down", hint=hint, status=os.EX_UNAVAILABLE)
    # Without FileDescriptorName= systemd names a descriptor after its unit; a manager that gives no names
    # at all leaves "unknown".
    chosen = formats.DEFAULT if name == "unknown" or name.endswith(".socket") else name
    if chosen not in formats.NAMES:
        known = ", ".join(formats.NAMES)
        raise UdsdError(f"{what} is not named after a format; known: {known}", hint=_HINT, status=os.EX_CONFIG)
    return Receiver(bound), chosen
