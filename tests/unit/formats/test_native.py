"""Entries of journald's native protocol: what is stored of them, what is dropped, and what is none."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import cost
from tests.fuzz import reference
from tests.unit.drawn import NAME_LETTERS, field_names
from udsd.field_names import settable
from udsd.formats import native, text
from udsd.formats.text import MOST_FIELDS, Problem
from udsd.journal.entry import Field, Fields, encode


def long(length: int) -> bytes:
    return length.to_bytes(8, "little")


TABLE: dict[str, tuple[bytes, Fields]] = {
    "one field": (b"MESSAGE=hello\n", [("MESSAGE", b"hello")]),
    "several fields": (b"MESSAGE=hello\nPRIORITY=3\n", [("MESSAGE", b"hello"), ("PRIORITY", b"3")]),
    "no message": (b"A=b\n", [("A", b"b")]),
    "an empty value": (b"A=\n", [("A", b"")]),
    "equals signs": (b"A==b=\n", [("A", b"=b=")]),
    "one name twice": (b"A=1\nB=2\nA=3\n", [("A", b"1"), ("B", b"2"), ("A", b"3")]),
    "blanks, NULs and bytes that are no text": (b"A= \0\xff\r\n", [("A", b" \0\xff\r")]),
    "a value with its length": (b"A\n" + long(3) + b"b\nc\n", [("A", b"b\nc")]),
    "an empty value with its length": (b"A\n" + long(0) + b"\n", [("A", b"")]),
    "a value that looks like fields": (
        b"A\n" + long(12) + b"\nPRIORITY=0\n\nB=c\n",
        [("A", b"\nPRIORITY=0\n"), ("B", b"c")],
    ),
    "a value that is newlines": (b"A\n" + long(3) + b"\n\n\n\nB=c\n", [("A", b"\n\n\n"), ("B", b"c")]),
    "a value that looks like a comment": (b"A\n" + long(3) + b"\n#b\n", [("A", b"\n#b")]),
    "both forms": (b"A=1\nB\n" + long(1) + b"\n\nC=3\n", [("A", b"1"), ("B", b"\n"), ("C", b"3")]),
    "a length of two bytes": (b"A\n" + long(258) + b"\n" * 258 + b"\n", [("A", b"\n" * 258)]),
    "the longest name": (b"A" * 64 + b"=b\n", [("A" * 64, b"b")]),
    "the longest name and a length": (b"A" * 64 + b"\n" + long(1) + b"b\n", [("A" * 64, b"b")]),
    "digits and underscores": (b"A_1__=b\n", [("A_1__", b"b")]),
    "comments": (b"#A=b\n.C\nD=e\n#\n.\n", [("D", b"e")]),
    "a comment that looks like a length": (b"#A\nB=c\n", [("B", b"c")]),
    "empty lines at the end": (b"A=b\n\n\n", [("A", b"b")]),
    "as many as there may be": (b"A=b\n" * MOST_FIELDS, [("A", b"b")] * MOST_FIELDS),
    "names like those that a sender may not set": (
        b"OBJECT=1\nUDSD=2\nUNITS=3\nCOREDUMP=4\nX_UNIT=5\n",
        [("OBJECT", b"1"), ("UDSD", b"2"), ("UNITS", b"3"), ("COREDUMP", b"4"), ("X_UNIT", b"5")],
    ),
    "what sd_journal_send(3) sends": (
        b"CODE_FILE=a.c\nCODE_LINE=7\nCODE_FUNC=main\nMESSAGE=hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=a\n",
        [
            *(("CODE_FILE", b"a.c"), ("CODE_LINE", b"7"), ("CODE_FUNC", b"main")),
            *(("MESSAGE", b"hello"), ("PRIORITY", b"6"), ("SYSLOG_IDENTIFIER", b"a")),
        ],
    ),
}

DROPPED = [
    *(b"_", b"_PID", b"__CURSOR", b"_TRANSPORT", b"OBJECT_", b"OBJECT_PID", b"OBJECT_SYSTEMD_UNIT", b"COREDUMP_UNIT"),
    *(b"UNIT", b"USER_UNIT", b"INVOCATION_ID", b"USER_INVOCATION_ID", b"UDSD_SOCKET", b"UDSD_MALFORMED", b"UDSD_"),
]

INVALID = [
    *(b"_pid", b"_a", b"unit", b"object_pid", b"udsd_socket", b"_" * 65, b"OBJECT_" * 10),
    *(b"", b"a", b"message", b"1A", b"A-B", b"A B", b" A", b"A ", b"A\0", b"A\r", b"\xc3\x84", b"A\xff", b"A.B", b"A#"),
    *(b"A" * 65, b"A" * 100_000),
]

MALFORMED: dict[str, tuple[bytes, bytes]] = {
    "empty": (b"", b"no fields"),
    "empty lines": (b"\n\n", b"no fields"),
    "comments alone": (b"#A=b\n.\n", b"no fields"),
    "text": (b"hello", b"ends within a field: the one at byte 0"),
    "text with a newline": (b"hello\n", b"ends within a field: the one at byte 0"),
    "no newline at the end": (b"A=b\nC=d", b"ends within a field: the one at byte 4"),
    "a comment without newline": (b"A=b\n#c", b"ends within a field: the one at byte 4"),
    "no length": (b"A=b\nC\n", b"ends within a field: the one at byte 4"),
    "a cut length": (b"A\n\0\0\0\0\0\0\0", b"ends within a field: the one at byte 0"),
    "no newline behind a value": (b"A\n" + long(1) + b"b", b"ends within a field: the one at byte 0"),
    "a length that is too small": (b"A\n" + long(1) + b"bc\n", b"ends within a field: the one at byte 0"),
    "a length that is too large": (b"A\n" + long(3) + b"b\n", b"ends within a field: the one at byte 0"),
    "the largest length": (b"A\n" + b"\xff" * 8 + b"b\n", b"ends within a field: the one at byte 0"),
    "two entries": (b"A=b\n\nC=d\n", b"more than one entry"),
    "an empty line first": (b"\nA=b\n", b"more than one entry"),
    "NULs behind an empty line": (b"A=b\n\n\0", b"more than one entry"),
    "too many by one": (b"A=b\n" * (MOST_FIELDS + 1), b"too many fields: more than 128"),
    "too many by one that is dropped": (b"A=b\n" * MOST_FIELDS + b"_A=b\n", b"too many fields: more than 128"),
    "too many comments": (b"#\n" * (MOST_FIELDS + 1), b"too many fields: more than 128"),
    "names that no field can have alone": (b"a=b\nc=d\n", b"no fields"),
    "too many that are all dropped": (b"_A=b\n" * (MOST_FIELDS + 1), b"too many fields: more than 128"),
}

# What costs the most for its size. Made when it is needed: each process of a test run imports this module.
COSTLY: dict[str, Callable[[], bytes]] = {
    "comments": lambda: b"#\n" * 2_000_000,
    "fields": lambda: b"A=\n" * 1_400_000,
    "dropped fields": lambda: b"a=\n" * 1_400_000,
    "different names": lambda: b"".join(b"%d=\n" % number for number in range(400_000)),
    "lengths": lambda: (b"A\n" + long(0) + b"\n") * 360_000,
    "empty lines": lambda: b"\n" * 4_000_000,
    "empty lines, and something behind them": lambda: b"\n" * 4_000_000 + b"x",
    "no newline": lambda: b"A" * 4_000_000,
}

# Random bytes alone would hardly ever hold what has a meaning here.
traps = st.sampled_from(
    [b"\n", b"=", b"\0", b"A=b\n", b"A\n", long(1), b"\xff" * 8, b"#", b".", b"_", b"\n\n", b"UNIT="]
)
values = st.binary(max_size=60) | st.lists(traps, max_size=8).map(b"".join)
settables = field_names.filter(settable)
names = st.text(NAME_LETTERS, min_size=1, max_size=66) | st.sampled_from(
    [f.decode("latin-1") for f in DROPPED + INVALID]
)


@pytest.mark.parametrize(("payload", "fields"), TABLE.values(), ids=TABLE)
def test_an_entry_has_these_fields(payload: bytes, fields: Fields) -> None:
    assert native.parse(payload) == (list(fields), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, b"=x\n") for name in DROPPED] + [(name, b"\n" + long(3) + b"x\ny\n") for name in DROPPED if name],
    ids=lambda piece: ascii(piece[:70]),
)
def test_what_a_sender_may_not_set_is_dropped(name: bytes, value: bytes) -> None:
    fields, problem = native.parse(b"A=b\n" + name + value + b"C=d\n")
    assert fields == [("A", b"b"), ("C", b"d")]
    assert problem is not None
    assert (problem.kind, problem.dropped) == ("", 1)
    assert problem.fields() == (("UDSD_DROPPED_FIELDS", b"1"),)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, b"=x\n") for name in INVALID] + [(name, b"\n" + long(3) + b"x\ny\n") for name in INVALID if name],
    ids=lambda piece: ascii(piece[:70]),
)
def test_names_that_no_field_can_have_are_counted_and_leave_no_mark(name: bytes, value: bytes) -> None:
    fields, problem = native.parse(b"A=b\n" + name + value + b"C=d\n")
    assert fields == [("A", b"b"), ("C", b"d")]
    assert problem == Problem("", dropped=0, invalid=1)
    assert problem.fields() == ()


def test_what_is_dropped_is_counted_also_where_nothing_is_left() -> None:
    assert native.parse(b"_A=b\nUNIT=c\na=d\n") == ([], Problem("", dropped=2, invalid=1))
    assert native.parse(b"a=d\nb=e\n")[1] == Problem("no fields", invalid=2)


@pytest.mark.parametrize(("payload", "told"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_stored_as_text(payload: bytes, told: bytes) -> None:
    fields, problem = native.parse(payload)
    assert fields == text.parse(payload)[0]
    assert problem is not None
    assert problem.fields() == (("UDSD_MALFORMED", told),)
    assert (told.decode().partition(": ")[0], 0) == (problem.kind, problem.dropped)


@pytest.mark.parametrize("payload", COSTLY.values(), ids=COSTLY)
def test_no_entry_takes_long(payload: Callable[[], bytes]) -> None:
    assert cost(native.parse, payload()) < 10


@given(st.lists(st.tuples(settables, values), min_size=1))
def test_what_is_encoded_comes_back(fields: list[Field]) -> None:
    assert native.parse(encode(fields)) == (fields, None)


@given(st.lists(st.tuples(names, values)))
def test_what_is_left_is_what_journald_sees_and_a_sender_may_set(fields: list[Field]) -> None:
    lines = [b"%s\n%s%s\n" % (name.encode("latin-1"), long(len(value)), value) for name, value in fields if name]
    named = [(name, value) for name, value in fields if name and name[0] not in "#." and "\n" not in name]
    kept = [(name, value) for name, value in named if settable(name)]
    read, problem = native.parse(b"".join(lines))
    number = problem.dropped + problem.invalid if problem else 0
    if problem and problem.kind:  # no fields at all
        read = []
    assert (read, number) == (kept, len(named) - len(kept))
    forged = [name for name, _ in named if re.fullmatch("[A-Z_][A-Z0-9_]{0,63}", name) and not settable(name)]
    assert (problem.dropped if problem else 0) == len(forged)


@given(values | st.lists(values, max_size=5).map(b"".join))
def test_of_any_bytes_nothing_is_read_that_journald_does_not_see(payload: bytes) -> None:
    read, problem = native.parse(payload)
    if problem and problem.kind:
        assert read == text.parse(payload)[0]
        return
    assert read == [field for field in reference.read(payload) if settable(field[0])]
