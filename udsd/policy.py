"""What a sender may do. Today that is one thing: stop the daemon with a DONE datagram."""

from udsd.identity import Sender

STOP = b"DONE"


def asks_to_stop(payload: bytes) -> bool:
    """Whether a datagram is DONE, with or without a trailing newline."""
    return payload in (STOP, STOP + b"\n")


def may_stop(sender: Sender | None, own_uid: int) -> bool:
    """Root and the daemon's own user may; a sender the kernel cannot name may not."""
    return sender is not None and sender.uid in (0, own_uid)
