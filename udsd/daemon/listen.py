"""What to listen on: the words `[FORMAT:]PATH`, and the path when there are no words."""

import os
from typing import NamedTuple

from udsd import address, formats
from udsd.errors import UdsdError


class Listen(NamedTuple):
    """A socket to bind, and how its datagrams are read."""

    path: str
    form: formats.Format

    def absolute(self) -> "Listen":
        """The same for a process whose working directory is another."""
        return self if self.path.startswith("@") else self._replace(path=os.path.abspath(self.path))


def parse(words: str) -> Listen:
    """`[FORMAT:]PATH`, where what begins like a path (`/`, `.`, `@`) has no format in front of it.

    Raises UdsdError for a format that does not exist and for a path that no socket can have.
    """
    name, colon, path = words.partition(":")
    if not colon or words.startswith(("/", ".", "@")):
        name, path = formats.DEFAULT, words
    if name not in formats.NAMES:
        raise UdsdError(
            f"--listen {words}: there is no format {name!r}; known: {', '.join(formats.NAMES)}",
            hint=f"if it is a part of the path, write ./{words}",
            status=os.EX_USAGE,
        )
    address.encode(path)
    return Listen(path, formats.named(name))


def default() -> Listen:
    """The system's socket for root, the user's own for everybody else.

    Raises UdsdError where a user has no runtime folder.
    """
    path = address.SYSTEM_SOCKET if os.geteuid() == 0 else address.user_socket()
    if path is None:
        raise UdsdError("XDG_RUNTIME_DIR is not set", hint="name a socket with --listen PATH", status=os.EX_USAGE)
    address.encode(path)
    return Listen(path, formats.named(formats.DEFAULT))
