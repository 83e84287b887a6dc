"""Payloads and the messages they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd import formats
from udsd.formats import text

TABLE = {
    "empty": (b"", b""),
    "no newline": (b"hello", b"hello"),
    "newline": (b"hello\n", b"hello"),
    "newline and NUL": (b"hello\n\0", b"hello"),
    "newline and NULs": (b"hello\n\0\0\0", b"hello"),
    "NUL": (b"hello\0", b"hello\0"),
    "NULs": (b"hello\0\0", b"hello\0\0"),
    "NUL and newline": (b"hello\0\n", b"hello\0"),
    "two newlines": (b"hello\n\n", b"hello\n"),
    "two newlines and NUL": (b"hello\n\n\0", b"hello\n"),
    "two newlines, each with NUL": (b"hello\n\0\n\0", b"hello\n\0"),
    "newline within": (b"a\nb", b"a\nb"),
    "newline and NUL within": (b"a\n\0b", b"a\n\0b"),
    "newline within and at the end": (b"a\nb\n", b"a\nb"),
    "only newline": (b"\n", b""),
    "only newline and NULs": (b"\n\0\0", b""),
    "only NUL": (b"\0", b"\0"),
    "newline before the text": (b"\nhello", b"\nhello"),
    "carriage return and newline": (b"hello\r\n", b"hello\r"),
    "spaces": (b" hello \n", b" hello "),
    "invalid UTF-8": (b"\xff\xfe\n", b"\xff\xfe"),
    "what looks like fields": (b"PRIORITY=0\nMESSAGE=x\n", b"PRIORITY=0\nMESSAGE=x"),
}

# Random bytes alone would hardly ever end in newlines and NULs.
payloads = st.binary() | st.lists(st.sampled_from([b"\n", b"\0", b"x"])).map(b"".join)


@pytest.mark.parametrize(("payload", "expected"), TABLE.values(), ids=TABLE)
def test_message_is_the_payload_less_one_line_end(payload: bytes, expected: bytes) -> None:
    assert text.trimmed(payload) == expected


@given(payloads)
def test_message_drops_nothing_but_one_line_end(payload: bytes) -> None:
    before_nuls = payload.rstrip(b"\0")
    assert text.trimmed(payload) == (before_nuls[:-1] if before_nuls.endswith(b"\n") else payload)


@pytest.mark.parametrize(("payload", "expected"), TABLE.values(), ids=TABLE)
def test_raw_is_the_message_at_priority_info(payload: bytes, expected: bytes) -> None:
    assert text.parse(payload) == ((("PRIORITY", b"6"), ("MESSAGE", expected)), None)


def test_the_default_format_is_text_or_syslog_by_how_it_opens() -> None:
    parse = formats.parser(formats.DEFAULT)
    assert parse(b"hello") == text.parse(b"hello")
    assert dict(parse(b"<3>hello")[0])["PRIORITY"] == b"3"
