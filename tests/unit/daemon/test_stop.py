"""Who may stop the daemon, and with which words."""

import pytest

from udsd.daemon.stop import StopPolicy, asks_to_stop
from udsd.senders.credentials import Credentials


@pytest.mark.parametrize(
    ("payload", "asks"),
    [
        (b"DONE", True),
        (b"DONE\n", True),
        (b"", False),
        (b"\n", False),
        (b"DON", False),
        (b"done", False),
        (b"DONE\n\n", False),
        (b"DONE\0", False),
        (b"DONE\n\0", False),
        (b"DONE\r\n", False),
        (b"DONE ", False),
        (b" DONE", False),
        (b"\nDONE", False),
        (b"DONE?", False),
        (b"DONEDONE", False),
    ],
)
def test_only_done_asks_to_stop(payload: bytes, asks: bool) -> None:
    assert asks_to_stop(payload) is asks


@pytest.mark.parametrize(
    ("sender", "may"),
    [
        (Credentials(7, 0, 0), True),
        (Credentials(7, 998, 100), True),
        (Credentials(0, 998, 998), True),
        (Credentials(7, 1000, 4), True),
        (Credentials(7, 1000, 1000), False),
        (Credentials(7, 1000, 0), False),
        (Credentials(7, 4, 1000), False),
        (Credentials(7, 65534, 65534), False),
        (None, False),
    ],
)
def test_the_named_users_and_groups_may_stop(sender: Credentials | None, may: bool) -> None:
    assert StopPolicy(frozenset((0, 998)), frozenset((4,))).allows(sender) is may


def test_nobody_may_stop_where_nobody_is_named() -> None:
    assert not StopPolicy(frozenset()).allows(Credentials(7, 0, 0))
