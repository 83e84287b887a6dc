"""The socket between sender and daemon: its default paths, its address, and the word that stops the daemon.

The client loads this too, so it imports next to nothing.
"""

import errno
import os

from udsd.errors import BadPathError

STOP = b"DONE"  # this datagram stops the daemon, if its sender may do that
SYSTEM_SOCKET = "/run/udsd/udsd.sock"
LONGEST_PATH = 107  # bytes; sun_path of unix(7) has 108, the last of them for a NUL


def user_socket() -> str | None:
    """The path of the user's own socket; None if XDG_RUNTIME_DIR is not set."""
    directory = os.environ.get("XDG_RUNTIME_DIR")
    return f"{directory}/udsd/udsd.sock" if directory else None


def encode(path: str) -> bytes:
    """The address for a path, or for `@name` in the abstract name space (unix(7)).

    Raises BadPathError for a name that no UNIX address can hold.
    """
    raw = os.fsencode(path)
    if raw in (b"", b"@") or b"\0" in raw:
        raise BadPathError(f"{path!r} cannot name a socket", hint="give a path, or @name")
    if len(raw) > LONGEST_PATH:
        raise BadPathError(
            f"{path}: too long for a UNIX socket: {len(raw)} bytes, the limit is {LONGEST_PATH}",
            hint="use a shorter path, or a relative one from a directory nearby",
            number=errno.ENAMETOOLONG,
        )
    return b"\0" + raw[1:] if raw.startswith(b"@") else raw


def decode(address: str | bytes) -> str:
    """The name for an address from getsockname(2): a path or `@name`; empty for a socket that is not bound."""
    name = os.fsdecode(address)
    return "@" + name[1:] if name.startswith("\0") else name


def unit_of(path: str) -> str:
    """The socket unit that makes the socket at a path, as arguments of systemctl(1); empty if none of ours does."""
    directory, name = os.path.split(path)
    stem = name.removesuffix(".sock")
    if path == user_socket():
        return "--user udsd.socket"
    if directory == "/run/udsd":
        return "udsd.socket" if stem == "udsd" else f"udsd-format@{stem}.socket"
    if directory.startswith("/run/udsd.") and name == "udsd.sock":
        return f"udsd@{directory.removeprefix('/run/udsd.')}.socket"
    return ""


def is_ours(path: str) -> bool:
    """Whether a path looks like a socket of udsd: it is in a directory of ours, or udsd's lock file is beside it."""
    directory = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return directory == "udsd" or directory.startswith("udsd.") or os.path.exists(path + ".lock")
