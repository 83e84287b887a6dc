"""Lines and words that are too long for a datagram, as a process sends them: in parts, with all others around them."""

import random
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.receiver import Receiver, without
from tests.socket.sending import CLIENT, bound, environ, send
from tests.source import TOP
from udsd import formats

_PARTS = ("MESSAGE_PART_OF", "MESSAGE_PART", "MESSAGE_PARTS")
_LONG = "".join(f"{number} äöü€𝄞 " for number in range(20_000)).encode()  # some 500,000 bytes
_MEMORY = 16 << 20  # bytes of data that the client may have: Python by itself needs some 5 MiB


@pytest.fixture
def receiver(path: Path) -> Iterator[Receiver]:
    there = Receiver(path)
    yield there
    there.close()


@contextmanager
def sending(*words: str, lines: bytes = b"", path: Path) -> Iterator[None]:
    """A client that sends meanwhile, and must end well: more than a sender may have in a queue."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(send, *words, lines=lines, UDSD_SOCKET=str(path))
        yield
        assert done.result() == (0, "")


def until_last_part(receiver: Receiver) -> list[dict[str, bytes]]:
    """The next entries, up to the last part."""
    found = [receiver.entry()]
    while "MESSAGE_PARTS" not in found[-1]:
        found.append(receiver.entry())
    return found


def whole(receiver: Receiver) -> tuple[bytes, dict[str, bytes]]:
    """The message of the next datagrams, up to the last part of a message, and the fields of the first one."""
    text, first, number = b"", receiver.entry(), 0
    entry = first
    while True:
        number += 1
        text += entry["MESSAGE"]
        entry["MESSAGE"].decode()  # no part begins or ends within a character
        if "MESSAGE_PART" not in entry:
            return text, first
        assert (entry["MESSAGE_PART"], entry["MESSAGE_PART_OF"]) == (b"%d" % number, first["MESSAGE_PART_OF"])
        same = {name: value for name, value in entry.items() if name not in ("MESSAGE", *_PARTS)}
        assert same == {name: value for name, value in first.items() if name not in ("MESSAGE", *_PARTS)}
        if "MESSAGE_PARTS" in entry:
            assert entry["MESSAGE_PARTS"] == b"%d" % number
            return text, first
        entry = receiver.entry()


@pytest.mark.parametrize("options", [[], ["-t", "tag"], ["-p", "daemon.err", "-F", "A=1"]])
@pytest.mark.parametrize("at", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_long_line_is_sent_in_parts_and_the_rest_as_ever(
    at: int, options: list[str], path: Path, receiver: Receiver
) -> None:
    lines = [b"one", b"two"]
    lines.insert(at, _LONG)
    with sending(*options, lines=b"\n".join(lines) + b"\n", path=path):
        assert [whole(receiver)[0] for _ in lines] == lines
    assert receiver.waiting() == []


@pytest.mark.parametrize("options", [[], ["-t", "tag"]], ids=["plain", "option"])
def test_lines_of_any_length_arrive_as_they_are(options: list[str], path: Path, receiver: Receiver) -> None:
    """Input is read in blocks, whose borders are anywhere in a line."""
    chance = random.Random(5)
    lines = [bytes(chance.choices(b"abc \xef\xbb\xbf", k=chance.choice([1, 2, 1000, 5000]))) for _ in range(500)]
    lines += [b"\xef\xbb\xbfwith a mark", b"x" * 200_000, b"y" * 65_535, b"without an end"]
    with sending(*options, lines=b"\n".join(lines), path=path):
        assert [receiver.message() for _ in lines] == lines
    assert receiver.waiting() == []


def test_parts_have_the_fields_of_a_message_without_options(path: Path, receiver: Receiver) -> None:
    with sending(lines=b"short\n" + _LONG, path=path):
        short, first = receiver.fields(), whole(receiver)[1]
    assert without(short, "MESSAGE") == without(tuple(first.items()), "MESSAGE", *_PARTS)


def test_words_are_sent_in_parts_too_and_lose_nothing(path: Path, receiver: Receiver) -> None:
    words = ["x" * 100_000, "\n" * 100_000, "y" * 50_000]
    with sending(*words, path=path):
        assert whole(receiver)[0] == " ".join(words).encode()


def test_what_is_not_text_loses_nothing(path: Path, receiver: Receiver) -> None:
    line = bytes(byte for byte in range(256) if byte != 0x0A) * 1200 + b"\x80" * 100_000
    with sending(lines=line, path=path):
        assert b"".join(entry["MESSAGE"] for entry in until_last_part(receiver)) == line


def test_json_in_parts(path: Path) -> None:
    line, parse = ('"\\\x01' * 80_000).encode(), formats.parser("json")
    with bound(path) as server, sending("--json", "-F", "A=1", lines=line, path=path):
        entries = [dict(parse(server.recv(1 << 20))[0])]
        while "MESSAGE_PARTS" not in entries[-1]:
            entries.append(dict(parse(server.recv(1 << 20))[0]))
    assert b"".join(entry["MESSAGE"] for entry in entries) == line
    assert [int(entry["MESSAGE_PART"]) for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry["A"] for entry in entries} == {b"1"}
    assert int(entries[-1]["MESSAGE_PARTS"]) == len(entries)


def test_fields_that_are_too_long_for_a_datagram_go_after_the_message(path: Path, receiver: Receiver) -> None:
    value = "v" * 120_000
    with sending("-F", f"A={value}", "-F", f"B={value}", "-F", "C=3", "x", path=path):
        found = until_last_part(receiver)
    for name in "A", "B":
        assert name not in found[0]
        assert b"".join(entry.get(name, b"") for entry in found) == value.encode()
    assert [entry["MESSAGE"] for entry in found] == [b"x", *[b""] * (len(found) - 1)]
    assert {entry["C"] for entry in found} == {b"3"}


@pytest.mark.parametrize("options", [[], ["-t", "tag"]], ids=["plain", "option"])
@pytest.mark.parametrize("producer", ["cat", "tr '\\0' x", "sed 's/$/\\nx/'"], ids=["NULs", "letters", "a-line-behind"])
def test_memory_is_bounded_whatever_comes_in(producer: str, options: list[str], path: Path) -> None:
    size = 50 << 20
    with bound(path) as server:
        discarded: list[int] = []

        def discard() -> None:
            while datagram := server.recv(1 << 20):
                discarded.append(len(datagram))

        reader = threading.Thread(target=discard)
        reader.start()
        with (
            subprocess.Popen(["sh", "-c", f"head -c {size} /dev/zero | {producer}"], stdout=subprocess.PIPE) as source,
            subprocess.Popen(
                ["prlimit", f"--data={_MEMORY}", *CLIENT, *options],
                cwd=TOP,
                env=environ({"UDSD_SOCKET": str(path)}),
                stdin=source.stdout,
            ) as process,
        ):
            assert source.stdout is not None
            source.stdout.close()
            assert process.wait(SECONDS) == 0
        send("", UDSD_SOCKET=str(path))
        reader.join(SECONDS)
    assert sum(discarded) > size
