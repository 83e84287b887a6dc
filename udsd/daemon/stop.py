"""Who may stop the daemon with a DONE datagram."""

from typing import NamedTuple

from udsd.address import STOP
from udsd.senders.credentials import Credentials

_STOPS = (STOP, STOP + b"\n")


def asks_to_stop(payload: bytes) -> bool:
    """Whether a datagram is DONE, with or without a trailing newline."""
    return payload in _STOPS


class StopPolicy(NamedTuple):
    """The users and groups whose DONE is obeyed. A sender that the kernel does not name is never one of them."""

    uids: frozenset[int]
    gids: frozenset[int] = frozenset()

    def allows(self, sender: Credentials | None) -> bool:
        """Whether this sender may stop the daemon."""
        return sender is not None and (sender.uid in self.uids or sender.gid in self.gids)
