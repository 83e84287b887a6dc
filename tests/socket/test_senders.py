"""The table of senders is bounded, whoever sends and however they end."""

import array
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from udsd.formats import named
from udsd.journal.entry import decode
from udsd.receive.receiver import Inbox, unbound
from udsd.senders.credentials import Sender, sender_of
from udsd.senders.process import CgroupPaths
from udsd.senders.registry import Senders, room_for_each

# Sends from so many processes; they end when standard input does, and at once where `ends` is given.
_MANY = """
import os, socket, sys
for number in range(int(sys.argv[2])):
    if not os.fork():
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", sys.argv[1])
        sys.argv[3:] or sys.stdin.read()
        os._exit(0)
"""

# Sends, and once more when standard input has ended.
_TWICE = """
import socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for _ in range(2):
    client.sendto(b"x", sys.argv[1])
    sys.stdin.read()
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with unbound() as receiver:
        receiver.bind(str(tmp_path / "socket"))
        yield Inbox(receiver, named("raw"))


def identify_all(inbox: Inbox, senders: Senders, count: int) -> None:
    identified = 0
    while identified < count:
        datagram = inbox.peek()
        if datagram is not None:
            senders.identify(datagram[1], 0.0)
            inbox.consume()
            identified += 1


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("ends", [[], ["ends"]])
def test_many_senders_take_a_bounded_number_of_descriptors(inbox: Inbox, ends: list[str]) -> None:
    senders, count, before = Senders(inbox, CgroupPaths()), 400, descriptors()
    with subprocess.Popen([sys.executable, "-c", _MANY, inbox.name, str(count), *ends], stdin=subprocess.PIPE) as many:
        identify_all(inbox, senders, count)
        assert descriptors() - before <= 257 + 1  # and the pipe
        many.communicate()


def test_descriptors_are_left_for_all_else() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
        assert (room_for_each(1), room_for_each(2), room_for_each(100)) == (37, 17, 1)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert room_for_each(1) == 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("option", [29, 35])  # SO_TIMESTAMP, SO_TIMESTAMPNS: what Timestamping= of a socket unit sets
def test_a_socket_with_time_stamps_still_tells_its_senders(tmp_path: Path, option: int) -> None:
    with unbound() as receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        receiver.bind(str(tmp_path / "socket"))
        receiver.setsockopt(socket.SOL_SOCKET, option, 1)
        inbox = Inbox(receiver, named("raw"))
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        assert sender_of(datagram[1]) == Sender(os.getpid(), os.getuid(), os.getgid())


def test_the_only_sender_may_end_at_any_moment(inbox: Inbox) -> None:
    senders = Senders(inbox, CgroupPaths())
    for _ in range(200):
        with subprocess.Popen([sys.executable, "-S", "-c", _MANY, inbox.name, "1", "ends"]):
            identify_all(inbox, senders, 1)


def test_a_sender_that_has_ended_is_not_taken_for_known_and_the_others_stay_known(inbox: Inbox) -> None:
    senders = Senders(inbox, CgroupPaths())

    def told() -> dict[str, bytes]:
        datagram = None
        while datagram is None:
            datagram = inbox.peek()
        identity = senders.identify(datagram[1], 0.0)
        inbox.consume()
        return dict(decode(identity.entry))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", inbox.name)
        ours, before = told(), descriptors()
        with subprocess.Popen([sys.executable, "-S", "-c", _TWICE, inbox.name], stdin=subprocess.PIPE) as other:
            assert "OBJECT_COMM" in told()
            other.communicate()
        client.sendto(b"x", inbox.name)
        last = told()
        assert last["OBJECT_UID"] == b"0"
        assert not {"OBJECT_COMM", "OBJECT_PID"} & last.keys()  # the pid too, since the tests run as root
        assert last["UDSD_SENDER_PID"] == b"%d" % other.pid
        assert descriptors() == before
        assert told() == ours
        assert descriptors() == before


def test_descriptors_of_a_sender_do_not_stand_in_the_way_where_the_kernel_lets_them_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udsd.inbox._SO_PASSRIGHTS", 9999)  # as on a kernel that does not have it
    attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 253))]
    with unbound() as receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        receiver.bind(str(tmp_path / "socket"))
        inbox = Inbox(receiver, named("raw"))
        client.connect(inbox.name)
        for control in ([], attached, attached):
            client.sendmsg([b"x"], control)
        before = descriptors()
        for seen in range(1, 4):
            datagram = inbox.peek()
            assert datagram is not None
            told = dict(decode(Senders(inbox, CgroupPaths()).identify(datagram[1], 0.0).entry))
            assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
            inbox.consume()
            assert descriptors() == before + seen  # the pidfd that each table holds


def test_a_sender_is_told_with_its_name_while_it_lives(inbox: Inbox) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        told = dict(decode(Senders(inbox, CgroupPaths(), cmdline=True).identify(datagram[1], 0.0).entry))
    assert told["OBJECT_PID"] == str(os.getpid()).encode()
    assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    assert told["OBJECT_CMDLINE"] == b" ".join(Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1])
