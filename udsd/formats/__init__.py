"""What a datagram's payload says: bytes in, journal fields out, nothing else looked at.

Which format reads a socket's datagrams is decided by the socket alone: by the name of the descriptor when systemd
passed it, by `FORMAT:PATH` when we bind it. Each is a function from a payload to fields, in a module that is loaded
when a socket wants it.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from udsd.formats.text import raw
from udsd.journal.entry import Fields

DEFAULT = "auto"
NAMES = ("auto", "raw", "syslog", "json", "native")


class Format(NamedTuple):
    """`read` gives the fields of a payload and raises FlawError for one that has a flaw.

    `by_descriptor`: what is too large for a datagram may come in a descriptor that an empty one carries.
    """

    read: Callable[[bytes], Fields]
    by_descriptor: bool = False


def named(name: str) -> Format:
    """The format of this name, which is one of NAMES."""
    if name == "json":
        from udsd.formats import json

        return Format(json.read)
    if name == "native":
        from udsd.formats import native

        return Format(native.read, by_descriptor=True)
    if name == "raw":
        return Format(raw)
    from udsd.formats import syslog

    read = syslog.read if name == "syslog" else syslog.auto
    host = os.fsencode(os.uname().nodename)
    return Format(lambda payload: read(payload, host))  # for each datagram: functools.partial takes longer
