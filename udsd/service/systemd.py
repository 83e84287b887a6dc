"""The service manager, through systemd-python: what it passed to this process, and notifications to it."""

import functools
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress

from udsd.errors import UdsdError
from udsd.journal import console

try:
    from systemd import daemon
except ImportError as error:
    raise UdsdError(
        "the daemon needs the Python library systemd-python",
        hint="install python3-systemd with apt, or udsd[daemon] with pip",
        status=os.EX_UNAVAILABLE,
    ) from error


@functools.cache  # the first call unsets the environment variables
def passed_descriptors() -> Mapping[int, str]:
    """The descriptors that the service manager passed, each with its name (sd_listen_fds_with_names(3))."""
    passed: dict[int, str] = daemon.listen_fds_with_names()
    return passed


def is_unix_datagram(descriptor: int) -> bool:
    """Whether a descriptor is an AF_UNIX SOCK_DGRAM socket (sd_is_socket_unix(3))."""
    return bool(daemon.is_socket_unix(descriptor, socket.SOCK_DGRAM))


def started_us() -> bool:
    """Whether a service manager started this very process, and not an ancestor of it."""
    return "NOTIFY_SOCKET" in os.environ or os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid())


def notify(*assignments: str, keep: Sequence[int] = ()) -> None:
    """Notify the service manager, if there is one (sd_notify(3)): `READY=1`, `STATUS=...` and so on.

    `keep` are the descriptors for `FDSTORE=1`. If the manager cannot be reached, udsd goes on: the manager acts on our
    silence, as sd_notify(3) describes. A status names sockets, and a path may hold any bytes: bytes that are not UTF-8
    or would end the line are sent as escapes.
    """
    text = "\n".join(console.printable(os.fsencode(assignment)) for assignment in assignments)
    with suppress(OSError):
        daemon.notify(text, fds=keep)


def keeps_descriptors() -> bool:
    """Whether the service manager is known to keep descriptors: systemd 254 and later set $FDSTORE."""
    return "FDSTORE" in os.environ


def store(name: str, descriptor: int, *more: str) -> None:
    """Have the service manager keep a descriptor, and pass it to the next run under this name (FDSTORE=1).

    The unit needs FileDescriptorStoreMax=. `more` are further assignments for this descriptor.
    """
    notify("FDSTORE=1", f"FDNAME={name}", *more, keep=[descriptor])


def remove_stored(name: str) -> None:
    """Have the service manager close the descriptors that it keeps under this name (FDSTOREREMOVE=1)."""
    notify("FDSTOREREMOVE=1", f"FDNAME={name}")


def watchdog_interval() -> float | None:
    """Seconds between two watchdog notifications (WATCHDOG=1) for the service manager; None if it wants none.

    Read as in sd_watchdog_enabled(3). It is half of the time that is allowed, as that page recommends.
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() and int(microseconds) else None
