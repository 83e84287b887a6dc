"""A payload that is text: it is the message, and nothing else is read from it."""

from udsd.journal.entry import PRIORITY_INFO, Fields

_INFO = str(PRIORITY_INFO).encode()


def message(payload: bytes) -> bytes:
    """The payload less one trailing newline and the NULs behind it, which C programs send along."""
    before_nuls = payload.rstrip(b"\0")
    return before_nuls[:-1] if before_nuls.endswith(b"\n") else payload


def plain(text: bytes) -> Fields:
    """The fields of a message of which nothing else is known."""
    return (("PRIORITY", _INFO), ("MESSAGE", text))


def raw(payload: bytes) -> Fields:
    """The payload is the message, byte for byte."""
    return (("PRIORITY", _INFO), ("MESSAGE", message(payload)))
