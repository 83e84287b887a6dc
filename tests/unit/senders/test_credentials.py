"""Credentials of the kernel, and the fields they become."""

import struct

import pytest

from udsd.journal.entry import Field
from udsd.senders.credentials import Sender, fields_of, sender_of

NOBODY = 65534  # the overflow user: what the kernel says for one it cannot name


@pytest.mark.parametrize(
    ("pid", "uid", "gid", "sender"),
    [
        (1234, 1000, 100, Sender(1234, 1000, 100)),
        (1, 0, 0, Sender(1, 0, 0)),
        (0, 0, 0, Sender(0, 0, 0)),
        (0, 1000, 100, Sender(0, 1000, 100)),
        (0, 1000, NOBODY, Sender(0, 1000, NOBODY)),
        (1234, NOBODY, NOBODY, Sender(1234, NOBODY, NOBODY)),
        (2**22, 2**32 - 2, 2**32 - 2, Sender(2**22, 2**32 - 2, 2**32 - 2)),
        (0, NOBODY, NOBODY, None),
        (0, NOBODY, 0, None),
    ],
)
def test_credentials_name_a_sender(pid: int, uid: int, gid: int, sender: Sender | None) -> None:
    assert sender_of(struct.pack("@iII", pid, uid, gid)) == sender


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        (None, ()),
        (Sender(12, 34, 56), (("OBJECT_PID", b"12"), ("OBJECT_UID", b"34"), ("OBJECT_GID", b"56"))),
        (Sender(1, 0, 0), (("OBJECT_PID", b"1"), ("OBJECT_UID", b"0"), ("OBJECT_GID", b"0"))),
        (Sender(0, 34, 56), (("OBJECT_UID", b"34"), ("OBJECT_GID", b"56"))),
        (Sender(0, 0, 0), (("OBJECT_UID", b"0"), ("OBJECT_GID", b"0"))),
    ],
)
def test_fields_say_what_is_certain(sender: Sender | None, fields: tuple[Field, ...]) -> None:
    assert fields_of(sender) == fields


@pytest.mark.parametrize(
    ("sender", "text"),
    [(Sender(12, 34, 56), "uid 34, pid 12"), (Sender(0, 34, 56), "uid 34"), (Sender(0, 0, 0), "uid 0")],
)
def test_a_sender_as_text(sender: Sender, text: str) -> None:
    assert str(sender) == text
