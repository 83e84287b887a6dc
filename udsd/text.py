"""A payload that is text: it is the message, and nothing else is read from it."""

import re

from udsd.entry import PRIORITY_INFO, Fields

_LINE_END = re.compile(rb"\n\0*\Z")
_INFO = str(PRIORITY_INFO).encode()


def message(payload: bytes) -> bytes:
    """The payload less one trailing newline and the NULs behind it, which C programs send along."""
    # The payload that ends in neither is the usual one: it is spared the search.
    return _LINE_END.sub(b"", payload, count=1) if payload[-1:] in (b"\n", b"\0") else payload


def plain(text: bytes) -> Fields:
    """The fields of a message of which nothing else is known."""
    return (("PRIORITY", _INFO), ("MESSAGE", text))


def raw(payload: bytes) -> Fields:
    """The payload is the message, byte for byte."""
    return (("PRIORITY", _INFO), ("MESSAGE", message(payload)))
