"""The counts of dropped datagrams: exact, whenever the process is killed."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.patience import SECONDS
from tests.source import TOP
from udsd.daemon.drop_ledger import DropLedger
from udsd.senders.identity import Account

APP = Account("unit", "app.service")

# Drops all that comes on standard input, until it is killed, and says so with one byte of output at the beginning.
_DROP = """
import socket, sys
from udsd.daemon.drop_ledger import DropLedger
from udsd.receive.receiver import Receiver
from udsd.senders.identity import Account
ledger, bound = DropLedger(int(sys.argv[1])), socket.socket(fileno=0)
receiver = Receiver(bound)
bound.setblocking(True)
sys.stdout.write("x"); sys.stdout.flush()
while True:
    payload, _, _ = receiver.peek()
    ledger.begin(Account("unit", "app.service"), payload[0])
    receiver.consume(0, ledger.cell)
    ledger.commit()
"""


@pytest.fixture
def memory() -> Iterator[int]:
    memfd = os.memfd_create("ledger")
    yield memfd
    os.close(memfd)


def count(ledger: DropLedger, account: Account, times: int) -> None:
    for _ in range(times):
        ledger.begin(account, 7)
        ledger.cell[0] = 7  # as the kernel does when the datagram is taken off
        ledger.commit()


def test_counts_outlive_the_process(memory: int) -> None:
    count(DropLedger(memory), APP, 3)
    count(DropLedger(memory), Account("user", "1000"), 2)
    assert sorted(DropLedger(memory).pending()) == [(APP, 3, False), (Account("user", "1000"), 2, False)]


def test_a_report_is_repeated_until_it_is_known_to_be_stored(memory: int) -> None:
    ledger = DropLedger(memory)
    count(ledger, APP, 3)
    assert ledger.set_apart(APP) == 3
    count(ledger, APP, 1)
    assert DropLedger(memory).pending() == [(APP, 3, True), (APP, 1, False)]
    ledger.reported(APP, 3)
    assert DropLedger(memory).pending() == [(APP, 1, False)]
    assert ledger.set_apart(APP) == 1
    ledger.reported(APP, 1)
    assert DropLedger(memory).pending() == []


@pytest.mark.parametrize("first", [0, 7, 255])
@pytest.mark.parametrize("taken", [False, True])
def test_a_datagram_in_hand_counts_if_it_has_been_taken_off(memory: int, first: int, taken: bool) -> None:
    ledger = DropLedger(memory)
    count(ledger, APP, 3)
    ledger.begin(APP, first)
    if taken:
        ledger.cell[0] = first
    for _ in range(2):  # the next run may be killed as well
        assert DropLedger(memory).pending() == [(APP, 4 if taken else 3, False)]


@pytest.mark.needs_root
def test_more_accounts_than_there_is_room_for_share_the_last(memory: int) -> None:
    ledger = DropLedger(memory)
    for number in range(1200):
        count(ledger, Account("user", str(number)), 1)
    assert sum(report.dropped for report in ledger.pending()) == 1200


@pytest.mark.parametrize("content", [b"", b"x", bytes(400_000), random.Random(3).randbytes(400_000)], ids=len)
def test_anything_else_becomes_an_empty_one(memory: int, content: bytes) -> None:
    os.write(memory, content)
    assert DropLedger(memory).pending() == []


def test_no_count_is_lost_or_repeated_by_kills(memory: int) -> None:
    sent = 0
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bound.bind(b"\0udsd-ledger-%d" % os.getpid())
    with bound, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(bound.getsockname())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # room for a few, so that each kill comes amid drops
        client.settimeout(SECONDS)
        for _ in range(30):
            words = [sys.executable, "-c", _DROP, str(memory)]
            with subprocess.Popen(
                words, cwd=TOP, stdin=bound.fileno(), stdout=subprocess.PIPE, pass_fds=[memory]
            ) as process:
                assert process.stdout is not None
                assert process.stdout.read(1) == b"x"
                for _ in range(300):
                    client.send(b"%d" % sent)
                    sent += 1
                process.send_signal(signal.SIGKILL)
        left = 0
        bound.setblocking(False)
        with suppress(BlockingIOError):
            while bound.recv(100):
                left += 1
    (report,) = DropLedger(memory).pending()
    assert report.dropped + left == sent
    assert left < 30
