"""The socket where both ends meet: its usual paths, how a path becomes an address, and the word that stops the daemon.

The client loads this too, so it imports next to nothing.
"""

import os

from udsd.errors import UdsdError

STOP = b"DONE"  # this datagram stops the daemon, if its sender may do that
SYSTEM_SOCKET = "/run/udsd/udsd.sock"
LONGEST_PATH = 107  # bytes; sun_path of unix(7) has 108, the last of them for a NUL


def user_socket() -> str | None:
    """The path of the user's own socket, None where XDG_RUNTIME_DIR is not set."""
    directory = os.environ.get("XDG_RUNTIME_DIR")
    return f"{directory}/udsd/udsd.sock" if directory else None


def encode(path: str) -> bytes:
    """The address for a path, or for `@name` in the abstract name space (unix(7)).

    Raises UdsdError for a name that no UNIX address can hold.
    """
    raw = os.fsencode(path)
    if raw in (b"", b"@") or b"\0" in raw:
        raise UdsdError(f"{path!r} cannot name a socket", hint="give a path, or @name", status=os.EX_USAGE)
    if len(raw) > LONGEST_PATH:
        raise UdsdError(
            f"{path}: too long for a UNIX socket: {len(raw)} bytes, the limit is {LONGEST_PATH}",
            hint="use a shorter path, or a relative one from a directory nearby",
            status=os.EX_USAGE,
        )
    return b"\0" + raw[1:] if raw.startswith(b"@") else raw


def decode(address: str | bytes) -> str:
    """The name of a socket by its address from getsockname(2): a path, `@name`, or nothing for a socket without one."""
    name = os.fsdecode(address)
    return "@" + name[1:] if name.startswith("\0") else name
