"""The progress of `udsd-send`: on a terminal, after a second, gone in the end; and nowhere else."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.socket.sending import CLIENT, bound, received, send
from tests.socket.terminal import Terminal, screen

# Slow enough that progress is shown before all is sent, and no more than what the kernel lets one sender queue.
RATE = ["--rate", "60"]
COUNT = 240


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "udsd.sock")


@pytest.fixture
def server(address: str) -> Iterator[socket.socket]:
    with bound(address) as listening:
        yield listening


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lines"
    path.write_bytes(b"123456789\n" * COUNT)
    return str(path)


def shares(shown: bytes, unit: str) -> list[float]:
    """How much is done according to each line of progress, by its number and by its percentage, which agree."""
    found = re.findall(rf"(?:^|\r)(\d+) {unit}, [\d,.]+/s, (\d+)%".encode(), shown)
    for number, percentage in found:
        assert abs(int(number) / COUNT * 100 - int(percentage)) <= 0.5
    return [int(number) / COUNT for number, _ in found]


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        (["-n", str(COUNT), "hello"], "datagrams"),
        (["-f", "FILE"], "lines"),
        (["-f", "FILE", "-t", "tag"], "lines"),
        (["<"], "lines"),
    ],
    ids=["count", "file", "file-encoded", "redirected"],
)
def test_number_rate_and_share_are_shown_and_go_away(
    words: list[str], unit: str, file: str, address: str, server: socket.socket
) -> None:
    start = ["sh", "-c", f'exec "$@" <{file}', "sh"] if words == ["<"] else []
    options = [file if word == "FILE" else word for word in words if word != "<"]
    with Terminal(*start, *CLIENT, *RATE, *options, UDSD_SOCKET=address) as terminal:
        assert terminal.end() == 0
        found = shares(terminal.shown, unit)
        assert len(found) >= 2
        assert 0 < found[0] < found[-1] <= 1  # 1 if a line was due just when all had been sent
        assert screen(terminal.shown) == [""]
    assert len(received(server)) == COUNT


def test_where_the_size_is_not_known_there_is_no_share(address: str, server: socket.socket) -> None:
    words = ["sh", "-c", 'yes hello | "$@"', "sh", *CLIENT, *RATE]
    with Terminal(*words, UDSD_SOCKET=address) as terminal:
        terminal.until(b" lines, ")
        terminal.until(b"/s")
        terminal.type("\x03")
        terminal.end()
        assert b"%" not in terminal.shown


def test_an_interrupt_says_how_far_it_got(file: str, address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, *RATE, "-f", file, UDSD_SOCKET=address) as terminal:
        terminal.until(b"/s")
        terminal.type("\x03")
        assert terminal.end() == -signal.SIGINT
        said, after = screen(terminal.shown)
    assert after == ""
    interrupted = re.fullmatch(r"udsd-send: interrupted; lines sent before: (\d+)", said)
    assert interrupted, said
    assert int(interrupted[1]) == len(received(server)) < COUNT


def test_an_error_is_all_that_is_left(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, *RATE, "-n", str(COUNT), "hello", UDSD_SOCKET=address) as terminal:
        terminal.until(b"/s")
        server.close()
        assert terminal.end() == os.EX_UNAVAILABLE
        said = screen(terminal.shown)
    assert re.fullmatch(r"udsd-send: .*: nobody listens on this socket; datagrams sent before: \d+", said[0]), said
    assert len(said) == 3


@pytest.mark.parametrize("words", [["-n", "150", "hello"], []], ids=["count", "lines"])
def test_where_there_is_no_terminal_there_is_no_progress(words: list[str], address: str, server: socket.socket) -> None:
    assert send(*RATE, *words, lines=b"x\n" * 150, UDSD_SOCKET=address) == (0, "")
    assert len(received(server)) == 150


def test_messages_on_the_terminal_are_progress_enough(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, *RATE, "-s", "-n", "150", "hello", UDSD_SOCKET=address) as terminal:
        assert terminal.end() == 0
        assert terminal.shown == b"hello\r\n" * 150


def test_lines_that_somebody_types_have_no_progress(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, "-f", "/dev/tty", "--rate", "1", UDSD_SOCKET=address) as terminal:
        terminal.type(b"one\ntwo\nthree\n")
        assert [server.recv(100) for _ in range(3)] == [b"one", b"two", b"three"]
        terminal.type(b"\x04")
        assert terminal.end() == 0
        assert b"/s" not in terminal.shown
