"""Who may stop the daemon, and with which words."""

import pytest

from udsd.identity import Sender
from udsd.policy import asks_to_stop, may_stop


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
    ("sender", "own_uid", "may"),
    [
        (Sender(7, 0, 0), 998, True),
        (Sender(7, 998, 998), 998, True),
        (Sender(7, 998, 100), 998, True),
        (Sender(0, 998, 998), 998, True),
        (Sender(7, 0, 0), 0, True),
        (Sender(7, 1000, 1000), 998, False),
        (Sender(7, 1000, 0), 998, False),
        (Sender(7, 1000, 998), 998, False),
        (Sender(998, 1000, 1000), 998, False),
        (Sender(7, 1000, 1000), 0, False),
        (None, 998, False),
        (None, 0, False),
    ],
)
def test_only_root_and_the_own_user_may_stop(sender: Sender | None, own_uid: int, may: bool) -> None:
    assert may_stop(sender, own_uid) is may
