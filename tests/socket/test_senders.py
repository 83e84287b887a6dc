"""The table of senders is bounded, whoever sends and however they end."""

import array
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from udsd.formats import raw
from udsd.inbox import Inbox, unbound
from udsd.senders import Senders

# Sends from so many processes; they end when standard input does, and at once where `ends` is given.
_MANY = """
import os, socket, sys
for number in range(int(sys.argv[2])):
    if not os.fork():
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", sys.argv[1])
        sys.argv[3:] or sys.stdin.read()
        os._exit(0)
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with unbound() as receiver:
        receiver.bind(str(tmp_path / "socket"))
        yield Inbox(receiver, raw)


def identify_all(inbox: Inbox, senders: Senders, count: int) -> None:
    identified = 0
    while identified < count:
        datagram = inbox.peek()
        if datagram is not None:
            senders.identify(inbox, datagram.sender, 0.0)
            inbox.consume()
            identified += 1


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("ends", [[], ["ends"]])
def test_many_senders_take_a_bounded_number_of_descriptors(inbox: Inbox, ends: list[str]) -> None:
    senders, count, before = Senders(), 400, descriptors()
    with subprocess.Popen([sys.executable, "-c", _MANY, inbox.name, str(count), *ends], stdin=subprocess.PIPE) as many:
        identify_all(inbox, senders, count)
        assert descriptors() - before <= 257 + 1  # and the pipe
        many.communicate()


def test_the_only_sender_may_end_at_any_moment(inbox: Inbox) -> None:
    senders = Senders()
    for _ in range(200):
        with subprocess.Popen([sys.executable, "-S", "-c", _MANY, inbox.name, "1", "ends"]):
            identify_all(inbox, senders, 1)


def test_descriptors_of_a_sender_do_not_stand_in_the_way_where_the_kernel_lets_them_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udsd.inbox._SO_PASSRIGHTS", 9999)  # as on a kernel that does not have it
    attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 253))]
    with unbound() as receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        receiver.bind(str(tmp_path / "socket"))
        inbox = Inbox(receiver, raw)
        client.connect(inbox.name)
        for control in ([], attached, attached):
            client.sendmsg([b"x"], control)
        before = descriptors()
        for seen in range(1, 4):
            datagram = inbox.peek()
            assert datagram is not None
            told = dict(Senders().identify(inbox, datagram.sender, 0.0).fields)
            assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
            inbox.consume()
            assert descriptors() == before + seen  # the pidfd that each table holds


def test_a_sender_is_told_with_its_name_while_it_lives(inbox: Inbox) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        told = dict(Senders(cmdline=True).identify(inbox, datagram.sender, 0.0).fields)
    assert told["OBJECT_PID"] == str(os.getpid()).encode()
    assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    assert told["OBJECT_CMDLINE"] == b" ".join(Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1])
