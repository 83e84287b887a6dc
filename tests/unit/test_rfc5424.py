"""The bytes of what our own clients send, against a table and against the format that reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drawn import field_names
from udsd import formats, rfc5424
from udsd.field_names import settable
from udsd.journal.entry import Field

BOM = b"\xef\xbb\xbf"

# The words of a call, and the datagram.
TABLE: dict[str, tuple[bytes, dict[str, bytes], list[Field], bytes]] = {
    "a message": (b"hello", {}, [], b"<14>1 - - - - - - hello"),
    "an empty message": (b"", {}, [], b"<14>1 - - - - - - "),
    "a message that opens as syslog": (b"<3>hello", {}, [], b"<14>1 - - - - - - <3>hello"),
    "a message that opens as fields": (b'[a b="c"] d', {}, [], b'<14>1 - - - - - - [a b="c"] d'),
    "a message that opens with a BOM": (BOM + b"x", {}, [], b"<14>1 - - - - - - " + BOM + BOM + b"x"),
    "an identifier": (b"x", {"identifier": b"app"}, [], b"<14>1 - - app - - - x"),
    "a pid": (b"x", {"pid": b"12"}, [], b"<14>1 - - - 12 - - x"),
    "an identifier with a blank": (
        b"x",
        {"identifier": b"my app"},
        [],
        b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="my app"] x',
    ),
    "an identifier that stands for none": (
        b"x",
        {"identifier": b"-"},
        [],
        b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="-"] x',
    ),
    "an identifier not in ASCII": (
        b"x",
        {"identifier": b"\xc3\xa4"},
        [],
        b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="\xc3\xa4"] x',
    ),
    "the longest identifier": (b"x", {"identifier": b"a" * 48}, [], b"<14>1 - - " + b"a" * 48 + b" - - - x"),
    "a longer identifier": (
        b"x",
        {"identifier": b"a" * 49},
        [],
        b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="' + b"a" * 49 + b'"] x',
    ),
    "a pid that is none": (b"x", {"pid": b"1 2"}, [], b'<14>1 - - - - - [journal@0 SYSLOG_PID="1 2"] x'),
    "a field": (b"x", {}, [("CODE_LINE", b"7")], b'<14>1 - - - - - [journal@0 CODE_LINE="7"] x'),
    "an empty field": (b"x", {}, [("A", b"")], b'<14>1 - - - - - [journal@0 A=""] x'),
    "several values": (b"x", {}, [("A", b"1"), ("A", b"2")], b'<14>1 - - - - - [journal@0 A="1" A="2"] x'),
    "escapes": (b"x", {}, [("A", b'"]\\[')], b'<14>1 - - - - - [journal@0 A="\\"\\]\\\\["] x'),
    "bytes that are no text": (
        b"\0\xff\n",
        {},
        [("A", b"\0\xff\n")],
        b'<14>1 - - - - - [journal@0 A="\0\xff\n"] \0\xff\n',
    ),
}

# Random bytes alone would hardly ever hold what has a meaning here.
traps = st.sampled_from([b'"', b"]", b"\\", b" ", b"=", b"[", b"\n", b"-", BOM, b'"] ', b"<3>"])
values = st.binary(max_size=60) | st.lists(traps, max_size=6).map(b"".join)
of_its_own = ("PRIORITY", "MESSAGE", "SYSLOG_")  # what a datagram says elsewhere
names = field_names.filter(lambda name: settable(name) and not name.startswith(of_its_own))


@pytest.mark.parametrize(("message", "words", "fields", "datagram"), TABLE.values(), ids=TABLE)
def test_a_call_has_these_bytes(message: bytes, words: dict[str, bytes], fields: list[Field], datagram: bytes) -> None:
    assert rfc5424.datagram(message, fields=fields, **words) == datagram  # type: ignore[arg-type]


@pytest.mark.parametrize(("pri", "opening"), [(0, b"<0>1 "), (11, b"<11>1 "), (191, b"<191>1 ")])
def test_the_priority_opens_it(pri: int, opening: bytes) -> None:
    assert rfc5424.datagram(b"x", pri=pri).startswith(opening)


@given(
    message=values,
    pri=st.integers(8, 191),
    identifier=values,
    pid=values,
    fields=st.lists(st.tuples(names, values)),
)
def test_udsd_reads_what_was_said(message: bytes, pri: int, identifier: bytes, pid: bytes, fields: list[Field]) -> None:
    datagram = rfc5424.datagram(message, pri=pri, identifier=identifier, pid=pid, fields=fields)
    said = [("SYSLOG_IDENTIFIER", identifier), ("SYSLOG_PID", pid)]
    expected = [
        ("PRIORITY", b"%d" % (pri & 7)),
        ("SYSLOG_FACILITY", b"%d" % (pri >> 3)),
        *((field, value) for field, value in said if value),
        *fields,
        ("MESSAGE", _less_a_line_end(message)),
    ]
    assert sorted(formats.parser("auto")(datagram)[0]) == sorted(expected)
    assert sorted(formats.parser("syslog")(datagram)[0]) == sorted(expected)


def _less_a_line_end(message: bytes) -> bytes:
    before_nuls = message.rstrip(b"\0")
    return before_nuls[:-1] if before_nuls.endswith(b"\n") else message
