"""Credentials of the kernel, and the fields they become."""

import struct

import pytest

from udsd.journal.entry import Field
from udsd.senders.credentials import Credentials, decode_ucred, fields_of

NOBODY = 65534  # the overflow user: what the kernel says for one it cannot name


@pytest.mark.parametrize(
    ("pid", "uid", "gid", "sender"),
    [
        (1234, 1000, 100, Credentials(1234, 1000, 100)),
        (1, 0, 0, Credentials(1, 0, 0)),
        (0, 0, 0, Credentials(0, 0, 0)),
        (0, 1000, 100, Credentials(0, 1000, 100)),
        (0, 1000, NOBODY, Credentials(0, 1000, NOBODY)),
        (1234, NOBODY, NOBODY, Credentials(1234, NOBODY, NOBODY)),
        (2**22, 2**32 - 2, 2**32 - 2, Credentials(2**22, 2**32 - 2, 2**32 - 2)),
        (0, NOBODY, NOBODY, None),
        (0, NOBODY, 0, None),
    ],
)
def test_credentials_name_a_sender(pid: int, uid: int, gid: int, sender: Credentials | None) -> None:
    assert decode_ucred(struct.pack("@iII", pid, uid, gid)) == sender


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        (None, ()),
        (Credentials(12, 34, 56), (("OBJECT_PID", b"12"), ("OBJECT_UID", b"34"), ("OBJECT_GID", b"56"))),
        (Credentials(1, 0, 0), (("OBJECT_PID", b"1"), ("OBJECT_UID", b"0"), ("OBJECT_GID", b"0"))),
        (Credentials(0, 34, 56), (("OBJECT_UID", b"34"), ("OBJECT_GID", b"56"))),
        (Credentials(0, 0, 0), (("OBJECT_UID", b"0"), ("OBJECT_GID", b"0"))),
    ],
)
def test_fields_say_what_is_certain(sender: Credentials | None, fields: tuple[Field, ...]) -> None:
    assert fields_of(sender) == fields


@pytest.mark.parametrize(
    ("sender", "text"),
    [(Credentials(12, 34, 56), "uid 34, pid 12"), (Credentials(0, 34, 56), "uid 34"), (Credentials(0, 0, 0), "uid 0")],
)
def test_a_sender_as_text(sender: Credentials, text: str) -> None:
    assert str(sender) == text
