"""What has been handed to a journald that goes away before it has read it."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.socket.daemons import Journald, Start, open_files, sender
from udsd.journal.entry import encode
from udsd.journal.in_flight import GRACE
from udsd.journal.journald import Journal, queued_bytes
from udsd.journal.sink import BusyError

LARGE = 300_000  # bytes, more than fits into a datagram
_LONGEST_DATAGRAM = 2 * 106_496 - 32  # bytes


@pytest.fixture
def journal(journald: Journald) -> Iterator[Journal]:
    journal = Journal(str(journald.path))
    yield journal
    journal.close()  # the daemon never needs that


def numbered(number: int, size: int = 0) -> bytes:
    return encode([("NUMBER", b"%d" % number), ("MESSAGE", bytes(size))])


def numbers(journald: Journald, count: int) -> list[int]:
    """The numbers of the next entries, each of them marked as a possible repeat."""
    entries = [journald.entry() for _ in range(count)]
    assert all("UDSD_REDELIVERED" in entry for entry in entries)
    return [int(entry["NUMBER"]) for entry in entries]


def test_what_has_been_delivered_anew_is_not_taken_for_read(journald: Journald, journal: Journal) -> None:
    for number in range(5):
        journal.deliver(numbered(number))
    journald.close()
    second = Journald(journald.path.parent)
    journal.check(100.0)  # delivers them anew
    journal.check(100.0 + GRACE)
    second.close()
    third = Journald(journald.path.parent)
    journal.check(100.0 + 2 * GRACE)
    assert numbers(third, 5) == list(range(5))
    third.close()


def test_large_entries_wait_where_more_of_them_could_not_be_kept(journald: Journald, journal: Journal) -> None:
    sent = 3  # of 1 MiB
    for number in range(sent):
        journal.deliver(numbered(number, LARGE))
    with pytest.raises(BusyError, match="not read") as refused:
        journal.deliver(numbered(sent, LARGE))
    assert refused.value.writable is None  # the queue has room, and poll(2) says so
    with pytest.raises(BusyError, match="not read"):
        journal.check(100.0)
    journald.close()
    second = Journald(journald.path.parent)
    journal.check(101.0)
    with pytest.raises(BusyError, match="not read"):
        journal.deliver(numbered(sent, LARGE))
    assert numbers(second, sent) == list(range(sent))
    second.read_all()  # what asked whether it is there
    journal.check(102.0)
    journal.deliver(numbered(-1))  # on another socket
    journal.deliver(numbered(sent, LARGE))
    assert [second.entry()["NUMBER"] for _ in range(2)] == [b"-1", b"%d" % sent]
    second.close()


def test_the_largest_entry_needs_an_empty_queue(journald: Journald, journal: Journal) -> None:
    journal.deliver(numbered(0))
    with pytest.raises(BusyError, match="not read"):
        journal.deliver(numbered(1, 4 * 1024 * 1024))
    assert journald.entry()["NUMBER"] == b"0"
    journal.deliver(numbered(1, 4 * 1024 * 1024))
    journal.deliver(numbered(2))  # what is small goes in a datagram, for which the kernel has the measure
    assert [journald.entry()["NUMBER"] for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(
    "sizes",
    [
        [0, 0, 0, 0],
        [0, _LONGEST_DATAGRAM],
        [0, _LONGEST_DATAGRAM + 1, _LONGEST_DATAGRAM + 1, 0],
        [0, LARGE, LARGE, 0],
    ],
    ids=["small", "the longest datagram", "one byte more", "large"],
)
@pytest.mark.parametrize("read", [1, 2])
def test_what_a_dead_journald_had_read_last_is_sent_again(
    journald: Journald, journal: Journal, sizes: list[int], read: int
) -> None:
    for number, size in enumerate(sizes):
        journal.deliver(numbered(number, max(0, size - len(numbered(number)))))
    assert [journald.entry()["NUMBER"] for _ in range(read)] == [b"%d" % number for number in range(read)]
    journal.note_in_hand()
    journal.settle_in_hand(stored=False)
    rest = [journald.entry() for _ in range(read, len(sizes))]
    assert all("UDSD_REDELIVERED" not in entry for entry in rest)
    journal.deliver(numbered(-1))
    assert numbers(journald, 1) == [read - 1]
    assert journald.entry()["NUMBER"] == b"-1"


@pytest.mark.needs_root
def test_what_journald_has_lost_shortly_before_the_end_is_printed(start: Start, path: Path, journald: Journald) -> None:
    daemon = start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    journald.entry()
    with sender(path) as client:
        for number in range(3):
            client.send(b"number %d" % number)
        while queued_bytes(client):
            os.sched_yield()
    open_files(daemon.pid)  # it is asleep: whether all is well it will look at in a quarter of a second
    journald.close()
    daemon.process.send_signal(signal.SIGTERM)
    status, _, err = daemon.end()
    assert status == os.EX_UNAVAILABLE
    assert [f"number {number}" in err for number in range(3)] == [True] * 3, err
    assert "received 3, stored 0, empty 0, undelivered 3" in err


@pytest.mark.needs_root
def test_a_large_entry_does_not_have_to_wait_for_ever_for_small_ones(
    start: Start, tmp_path: Path, journald: Journald
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    words = ("--listen", f"raw:{small}", "--listen", f"raw:{large}", "--sink=journal")
    daemon = start(*words, journald=journald.path.parent)
    with sender(small) as of_small, sender(large) as of_large:
        of_large.setsockopt(socket.SOL_SOCKET, 32, 4 * LARGE)  # SO_SNDBUFFORCE
        for number in range(4):
            of_large.send(b"%d" % number * LARGE)
        daemon.until("STATUS=waiting for journald (it has not read what was sent before a large entry)")
        for _ in range(10):
            of_small.send(b"small")
        found = [message[:1] for message in journald.messages(4 + 10)]
    assert found == [b"0", b"1", b"2", b"3", *[b"s"] * 10]
