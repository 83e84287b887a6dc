"""What a datagram's payload says: bytes in, journal fields out, nothing else looked at.

A format is a pure function from a payload to fields. Which one reads a socket's datagrams is decided by the
socket alone: by the name of the descriptor when systemd passed it, by `FORMAT:PATH` when we bind it. Adding
a format is adding a function here and its name to FORMATS.
"""

import re
from collections.abc import Callable

from udsd.entry import PRIORITY_INFO, Fields

Format = Callable[[bytes], Fields]

DEFAULT = "raw"

_LINE_END = re.compile(rb"\n\0*\Z")
_INFO = str(PRIORITY_INFO).encode()


def message(payload: bytes) -> bytes:
    """The payload less one trailing newline and the NULs behind it, which C programs send along."""
    # The payload that ends in neither is the usual one: it is spared the search.
    return _LINE_END.sub(b"", payload, count=1) if payload[-1:] in (b"\n", b"\0") else payload


def raw(payload: bytes) -> Fields:
    """The payload is the message, byte for byte."""
    return (("PRIORITY", _INFO), ("MESSAGE", message(payload)))


FORMATS: dict[str, Format] = {"raw": raw}
