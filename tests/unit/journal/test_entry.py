"""The bytes of an entry, against a table and against a reader that knows only journald's documentation."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drawn import field_names
from udsd.journal.entry import Field, Fields, decode_entry, encode

TABLE = {
    "no fields": ([], b""),
    "one line": ([("MESSAGE", b"hello")], b"MESSAGE=hello\n"),
    "several fields": ([("PRIORITY", b"6"), ("MESSAGE", b"hello")], b"PRIORITY=6\nMESSAGE=hello\n"),
    "the same name twice": ([("A", b"1"), ("A", b"2")], b"A=1\nA=2\n"),
    "newline within": ([("MESSAGE", b"a\nb")], b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"),
    "newline at the end": ([("MESSAGE", b"a\n")], b"MESSAGE\n\x02\0\0\0\0\0\0\0a\n\n"),
    "newline alone": ([("MESSAGE", b"\n")], b"MESSAGE\n\x01\0\0\0\0\0\0\0\n\n"),
    "newline, then another field": ([("A", b"\n"), ("B", b"c")], b"A\n\x01\0\0\0\0\0\0\0\n\nB=c\n"),
    "length of two bytes": ([("A", b"\n" * 0x102)], b"A\n\x02\x01\0\0\0\0\0\0" + b"\n" * 0x102 + b"\n"),
    "empty value": ([("CODE_FILE", b""), ("MESSAGE", b"x")], b"CODE_FILE=\nMESSAGE=x\n"),
    "empty message": ([("MESSAGE", b"")], b"MESSAGE=\n"),
    "equals sign": ([("MESSAGE", b"=a=")], b"MESSAGE==a=\n"),
    "imitated field": ([("MESSAGE", b"x\nPRIORITY=0\n")], b"MESSAGE\n\x0d\0\0\0\0\0\0\0x\nPRIORITY=0\n\n"),
    "imitated length": (
        [("MESSAGE", b"x\nA\n\x01\0\0\0\0\0\0\0y\n")],
        b"MESSAGE\n\x0e\0\0\0\0\0\0\0x\nA\n\x01\0\0\0\0\0\0\0y\n\n",
    ),
    "NULs": ([("MESSAGE", b"\0a\0\0")], b"MESSAGE=\0a\0\0\n"),
    "invalid UTF-8": ([("MESSAGE", b"\xff\xc3(")], b"MESSAGE=\xff\xc3(\n"),
    "carriage return": ([("MESSAGE", b"a\rb")], b"MESSAGE=a\rb\n"),
    "longest name": ([("A" * 64, b"x")], b"A" * 64 + b"=x\n"),
    "digits and underscores in a name": ([("A_1__", b"x")], b"A_1__=x\n"),
}

# Random bytes alone would hardly ever hold what could be taken for a field.
traps = st.sampled_from([b"\n", b"=", b"\0", b"A=b\n", b"A\n", b"\x01\0\0\0\0\0\0\0", b"\xff" * 8])
values = st.binary() | st.lists(traps).map(b"".join)
entries = st.lists(st.tuples(field_names, values))


def read_natively(datagram: bytes) -> list[Field]:
    """The fields that journald sees, as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ has it; strict at each step."""
    stream = io.BytesIO(datagram)
    fields = []
    while opening := stream.readline():
        assert opening.endswith(b"\n")
        if b"=" in opening:
            name, value = opening[:-1].split(b"=", 1)
        else:
            name = opening[:-1]
            size = stream.read(8)
            assert len(size) == 8
            length = int.from_bytes(size, "little")
            value = stream.read(length)
            assert len(value) == length
            assert stream.read(1) == b"\n"
        fields.append((name.decode("ascii"), value))
    return fields


@pytest.mark.parametrize(("fields", "encoded"), TABLE.values(), ids=TABLE)
def test_fields_have_these_bytes(fields: Fields, encoded: bytes) -> None:
    assert encode(fields) == encoded


@pytest.mark.parametrize(("fields", "encoded"), TABLE.values(), ids=TABLE)
def test_bytes_are_these_fields(fields: Fields, encoded: bytes) -> None:
    assert list(decode_entry(encoded)) == fields


@pytest.mark.parametrize(
    "name",
    ["", "message", "mESSAGE", "MESSAGe", "_UID", "1A", "A" * 65, "A=B", "A\n", "A\nB", "A B", "A-B", "A\0", "Ä", "A٣"],
    ids=ascii,
)
@pytest.mark.parametrize("value", [b"x", b"x\ny"], ids=["one line", "two lines"])
def test_a_bad_name_raises(name: str, value: bytes) -> None:
    with pytest.raises(ValueError, match="not a journal field name"):
        encode([("MESSAGE", b"x"), (name, value)])


@given(entries)
def test_decode_undoes_encode(fields: list[Field]) -> None:
    assert list(decode_entry(encode(fields))) == fields


@given(entries)
def test_journald_sees_the_fields_and_no_others(fields: list[Field]) -> None:
    assert read_natively(encode(fields)) == fields
