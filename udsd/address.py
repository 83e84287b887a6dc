"""The socket that both ends meet at: where it is, how a path becomes a UNIX address, and the word that ends the daemon.

The daemon and the client share this, so it imports no more than the client can afford.
"""

import os

from udsd.errors import UdsdError

STOP = b"DONE"  # this datagram stops the daemon, if its sender may do that
SYSTEM_SOCKET = "/run/udsd/udsd.sock"
LONGEST_PATH = 107  # bytes: sun_path of unix(7) has 108, one of them for the closing NUL


def user_socket() -> str | None:
    """The path of the user's own socket, None where there is no runtime folder for the user."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    return f"{folder}/udsd/udsd.sock" if folder else None


def encode(path: str) -> bytes:
    """The kernel's form of a socket's name: a path, or `@name` for the abstract name space (unix(7)).

    Raises UdsdError for a name that no UNIX address can hold.
    """
    raw = os.fsencode(path)
    if raw in (b"", b"@") or b"\0" in raw:
        raise UdsdError(f"{path!r} cannot name a socket", hint="give a path, or @name", status=os.EX_USAGE)
    if len(raw) > LONGEST_PATH:
        raise UdsdError(
            f"{path}: too long for a UNIX socket: {len(raw)} bytes, the limit is {LONGEST_PATH}",
            hint="use a shorter path, or a relative one from a folder nearby",
            status=os.EX_USAGE,
        )
    return b"\0" + raw[1:] if raw.startswith(b"@") else raw


def decode(address: str | bytes) -> str:
    """The name of a socket from what getsockname(2) gives for it: a path, `@name`, or `` for none."""
    name = os.fsdecode(address)
    return "@" + name[1:] if name.startswith("\0") else name
