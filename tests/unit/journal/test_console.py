"""Lines that are safe on a terminal, and the pipe they go to."""

import fcntl
import math
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd.errors import UdsdError
from udsd.journal.console import Console, format_line, printable
from udsd.journal.entry import Fields, encode
from udsd.journal.sink import BusyError

Pipe = tuple[FileIO, FileIO]

HELLO: Fields = (("MESSAGE", b"hello"), ("SYSLOG_IDENTIFIER", b"udsd"), ("OBJECT_PID", b"12"))
NOON = 1_772_366_400.0  # 2026-03-01 12:00:00 UTC


@pytest.fixture
def half_past_five_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone that is neither UTC nor whole hours away from it; it has no name that a table must know."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-05:30")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that does not wait: its end to read from, and the one to write to."""
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    with open(ends[0], "rb", buffering=0) as reader, open(ends[1], "wb", buffering=0) as writer:
        yield reader, writer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b"plain text, = and [12]", "plain text, = and [12]"),
        ("Grüße, Straße".encode(), "Grüße, Straße"),
        ("\N{GRINNING FACE} done".encode(), "\N{GRINNING FACE} done"),
        (b"a\nb", r"a\nb"),
        (b"a\r\nb", r"a\r\nb"),
        (b"a\tb", r"a\tb"),
        (b"a\0b", r"a\x00b"),
        (b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        (b"\b\a", r"\x08\x07"),
        (b"\x7f", r"\x7f"),
        ("\x85\x9b".encode(), r"\x85\x9b"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}".encode(), r"\u202e"),
        ("\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}".encode(), r"\u2028\u2029"),
        ("\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}".encode(), r"\u200b\xad"),
        ("\N{LANGUAGE TAG}".encode(), r"\U000e0001"),
        (b"\xff", r"\xff"),
        (b"\xc3(", r"\xc3("),
        (b"\xc3", r"\xc3"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
        (b"\xc0\x8a", r"\xc0\x8a"),
        ("ü\n".encode() + b"\xff", r"ü\n\xff"),
        (rb"C:\new", r"C:\new"),
    ],
)
def test_what_a_terminal_could_act_on_is_escaped(value: bytes, text: str) -> None:
    assert printable(value) == text


@given(st.binary() | st.text().map(str.encode))
def test_anything_becomes_one_printable_line(value: bytes) -> None:
    assert all(character.isprintable() for character in printable(value))


@given(st.text().filter(str.isprintable))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert printable(text.encode()) == text


@pytest.mark.usefixtures("half_past_five_east")
@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        (HELLO, NOON, "Mar 01 17:30:00 host udsd[12]: hello\n"),
        (HELLO, NOON + 6.5 * 3600 + 0.999, "Mar 02 00:00:00 host udsd[12]: hello\n"),
        (HELLO, 0.0, "Jan 01 05:30:00 host udsd[12]: hello\n"),
        (HELLO[:2], NOON, "Mar 01 17:30:00 host udsd: hello\n"),
        (HELLO[:1], NOON, "Mar 01 17:30:00 host unknown: hello\n"),
        ((("OBJECT_PID", b"12"), ("MESSAGE", b"")), NOON, "Mar 01 17:30:00 host unknown[12]: \n"),
        ((("UDSD_SENDER_PID", b"12"), ("MESSAGE", b"")), NOON, "Mar 01 17:30:00 host unknown[12]: \n"),
        ((("MESSAGE", "ü\n\x1b".encode()),), NOON, "Mar 01 17:30:00 host unknown: ü\\n\\x1b\n"),
        ((("MESSAGE", b"x"), ("SYSLOG_IDENTIFIER", b"a\nb")), NOON, "Mar 01 17:30:00 host a\\nb: x\n"),
        ((("MESSAGE", b"x"), ("PRIORITY", b"0"), ("UDSD_SOCKET", b"/s")), NOON, "Mar 01 17:30:00 host unknown: x\n"),
    ],
)
def test_an_entry_is_one_line(fields: Fields, now: float, expected: str) -> None:
    assert format_line(encode(fields), now, "host") == expected.encode()


def test_the_name_of_a_host_may_be_any_bytes() -> None:
    assert b" h\\xff\\x1b unknown: x\n" in format_line(encode([("MESSAGE", b"x")]), NOON, "h\udcff\x1b")


def test_a_delivered_entry_is_written(pipe: Pipe) -> None:
    reader, writer = pipe
    Console(writer.fileno(), clock=lambda: NOON).deliver(encode(HELLO))
    assert reader.read(4096) == format_line(encode(HELLO), NOON, socket.gethostname())


def test_the_console_is_busy_while_the_pipe_is_full(pipe: Pipe) -> None:
    reader, writer = pipe
    console = Console(writer.fileno())
    size = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
    assert writer.write(bytes(size)) == size
    with pytest.raises(BusyError, match="reader is behind") as busy:
        console.deliver(encode(HELLO))
    assert busy.value.writable == writer.fileno()
    with pytest.raises(BusyError):
        console.check(0.0)
    assert reader.read(size) == bytes(size)
    console.deliver(encode(HELLO))
    assert reader.read(4096).endswith(b" udsd[12]: hello\n")


def test_a_reader_that_is_gone_is_an_error(pipe: Pipe) -> None:
    reader, writer = pipe
    reader.close()
    with pytest.raises(UdsdError, match="Broken pipe") as error:
        Console(writer.fileno()).deliver(encode(HELLO))
    assert error.value.status == os.EX_IOERR
    assert error.value.hint == "its reader is gone"


def test_what_has_been_written_needs_no_looking_after(pipe: Pipe) -> None:
    console = Console(pipe[1].fileno())
    console.deliver(encode(HELLO))
    assert console.due() == math.inf
    assert list(console.take_lost()) == []


def test_a_descriptor_that_cannot_be_written_is_an_error() -> None:
    with open("/dev/null", "rb", buffering=0) as reader, pytest.raises(UdsdError, match="Bad file") as error:
        Console(reader.fileno()).deliver(encode(HELLO))
    assert (error.value.status, error.value.hint) == (os.EX_IOERR, "")


@pytest.mark.needs_root
def test_a_disk_that_is_full_is_waited_for(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=True)
    other, log = tmp_path / "other", tmp_path / "log"
    try:
        other.write_bytes(bytes(32 * 1024))
        with log.open("wb", buffering=0) as file:
            console = Console(file.fileno(), clock=lambda: 0.0)
            taken = 0
            with suppress(BusyError):
                while True:
                    console.deliver(encode([("MESSAGE", b"%d " % taken + bytes(3_000))]))
                    taken += 1
            with pytest.raises(BusyError, match="No space left") as busy:
                console.deliver(encode(HELLO))
            assert busy.value.writable is None
            other.unlink()
            console.check(0)
            console.deliver(encode(HELLO))
        messages = [line.partition(b": ")[2] for line in log.read_bytes().splitlines()]
        assert messages == [b"%d " % number + rb"\x00" * 3_000 for number in range(taken)] + [b"hello"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_line_that_does_not_fit_is_continued_and_nothing_waits(blocking: bool) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)
    console = Console(writer, clock=lambda: 0.0)
    console.deliver(encode([("MESSAGE", b"x" * 100_000)]))
    assert console.due() == 0
    with pytest.raises(BusyError) as busy:
        console.deliver(encode([("MESSAGE", b"next")]))
    assert busy.value.writable == writer
    shown = os.read(reader, 1 << 20)
    console.check(0)
    assert console.due() == math.inf
    console.deliver(encode([("MESSAGE", b"next")]))
    os.close(writer)
    with open(reader, "rb") as rest:
        shown += rest.read()
    assert [line.partition(b": ")[2] for line in shown.splitlines()] == [b"x" * 100_000, b"next"]


def test_an_entry_whose_line_was_cut_is_owed() -> None:
    reader, writer = os.pipe()
    console = Console(writer)
    entry = encode([("MESSAGE", b"x" * 100_000)])
    console.deliver(entry)
    assert list(console.take_lost()) == [(entry, None)]
    assert list(console.take_lost()) == []
    os.close(reader)
    os.close(writer)
