"""The table of senders is bounded, whoever sends and however they end."""

import array
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import PID
from udsd.journal.entry import decode_entry
from udsd.receive.receiver import Receiver, unbound
from udsd.senders import process
from udsd.senders.cgroup import CgroupPaths
from udsd.senders.credentials import Credentials, decode_ucred
from udsd.senders.evidence import Evidence
from udsd.senders.identity import Identity
from udsd.senders.registry import Registry, room_for_each

# Sends from so many processes; they end when standard input does, and at once where `ends` is given.
_MANY = """
import os, socket, sys
for number in range(int(sys.argv[2])):
    if not os.fork():
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", sys.argv[1])
        sys.argv[3:] or sys.stdin.read()
        os._exit(0)
"""

# Sends from a new process for each byte of standard input.
_ONE_BY_ONE = """
import os, socket, sys
while sys.stdin.buffer.read(1):
    if not os.fork():
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", sys.argv[1])
        os._exit(0)
    os.wait()
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
def inbox(tmp_path: Path) -> Iterator[Receiver]:
    with unbound() as receiver:
        receiver.bind(str(tmp_path / "socket"))
        yield Receiver(receiver)


def registry(inbox: Receiver, *, cmdline: bool = False, most: int = 1024) -> Registry:
    field = ("UDSD_SOCKET", os.fsencode(inbox.name))
    evidence = Evidence(inbox.peek_pidfd if inbox.has_pidfds else None, inbox.sent_at if inbox.has_times else None)
    return Registry(evidence, field, CgroupPaths(), most=most, cmdline=cmdline)


def recorded(identity: Identity) -> dict[str, bytes]:
    """What an entry gets whose datagram has neither a name nor a pid itself."""
    return dict(decode_entry(identity.defaults[0] + identity.ending))


def identify_all(inbox: Receiver, senders: Registry, count: int) -> None:
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
def test_many_senders_take_a_bounded_number_of_descriptors(inbox: Receiver, ends: list[str]) -> None:
    senders, count, before = registry(inbox, most=256), 400, descriptors()
    with subprocess.Popen([sys.executable, "-c", _MANY, inbox.name, str(count), *ends], stdin=subprocess.PIPE) as many:
        identify_all(inbox, senders, count)
        assert descriptors() - before <= 257 + 1  # and the pipe
        many.communicate()


def test_descriptors_are_left_for_all_else() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
        assert (room_for_each(1), room_for_each(2), room_for_each(100)) == (37, 17, 1)
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, before[1]))
        assert room_for_each(1) == 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("option", [29, 35])  # SO_TIMESTAMP, SO_TIMESTAMPNS: what Timestamping= of a socket unit sets
def test_a_socket_with_time_stamps_still_tells_its_senders(tmp_path: Path, option: int) -> None:
    with unbound() as receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        receiver.bind(str(tmp_path / "socket"))
        receiver.setsockopt(socket.SOL_SOCKET, option, 1)
        inbox = Receiver(receiver)
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        assert decode_ucred(datagram[1]) == Credentials(os.getpid(), os.getuid(), os.getgid())


def test_the_only_sender_may_end_at_any_moment(inbox: Receiver) -> None:
    senders = registry(inbox)
    words = [sys.executable, "-c", _ONE_BY_ONE, inbox.name]
    with subprocess.Popen(words, stdin=subprocess.PIPE, bufsize=0) as program:
        assert program.stdin is not None
        for _ in range(300):
            program.stdin.write(b"x")
            identify_all(inbox, senders, 1)


@pytest.mark.needs_root
def test_a_sender_that_has_ended_is_not_taken_for_known_and_the_others_stay_known(inbox: Receiver) -> None:
    senders = registry(inbox)

    def told() -> dict[str, bytes]:
        datagram = None
        while datagram is None:
            datagram = inbox.peek()
        identity = senders.identify(datagram[1], 0.0)
        inbox.consume()
        return recorded(identity)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", inbox.name)
        ours, before = told(), descriptors()
        with subprocess.Popen([sys.executable, "-S", "-c", _TWICE, inbox.name], stdin=subprocess.PIPE) as other:
            assert "OBJECT_COMM" in told()
            other.communicate()
        client.sendto(b"x", inbox.name)
        last = told()
        assert last["OBJECT_UID"] == b"0"
        assert last["OBJECT_COMM"] == ours["OBJECT_COMM"]  # what was known while it lived
        assert last[PID] == b"%d" % other.pid
        assert descriptors() == before
        assert told() == ours
        assert descriptors() == before


@pytest.mark.parametrize("stamped_before", [True, False])
def test_what_was_sent_before_a_moment_is_told_from_what_came_after(tmp_path: Path, *, stamped_before: bool) -> None:
    with unbound() as bound, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        bound.bind(str(tmp_path / "socket"))
        receiver = Receiver(bound)
        client.connect(receiver.name)
        if stamped_before:
            receiver.stamp_from_now()
        for _ in range(2):
            client.send(b"before")
        since = receiver.stamp_from_now()
        client.send(b"after")
        for expected in (False, False, True):
            assert receiver.is_past(since) is expected
            receiver.consume()
        assert receiver.is_past(since)


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver on a kernel that lets descriptors pass."""
    monkeypatch.setattr("udsd.receive.receiver._SO_PASSRIGHTS", 9999)
    with unbound() as bound:
        bound.bind(str(tmp_path / "socket"))
        yield Receiver(bound)


def test_descriptors_of_a_sender_are_never_installed(older: Receiver) -> None:
    attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 253))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(older.name)
        for control in ([], attached, attached):
            client.sendmsg([b"x"], control)
        before = descriptors()
        for number, proven in enumerate((True, False, False)):
            datagram = older.peek()
            assert datagram is not None
            payload, ucred, flags = datagram
            assert (payload, bool(flags)) == (b"x", not proven)
            told = recorded(registry(older).identify(ucred, 0.0, flags))
            assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
            assert ("UDSD_SENDER_UNPROVEN" in told) is not proven
            older.consume(flags)
            assert descriptors() == before + 1  # the pidfd that the first table holds
            assert number or datagram
        assert older.peek() is None


def test_taking_off_a_lingering_socket_does_not_wait_for_it(older: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(older.name)
        with socket.create_connection(server.getsockname()) as stuck, server.accept()[0]:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, int(SECONDS)))
            stuck.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    stuck.send(bytes(65536))
            client.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [stuck.fileno()]))])
            os.close(stuck.detach())
            datagram = older.peek()
            assert datagram is not None
            began = time.monotonic()
            older.consume(datagram[2])
            assert time.monotonic() - began < SECONDS
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
            assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


@pytest.mark.parametrize(
    ("later", "known", "marked"),
    [(3600.0, True, False), (0.02, True, False), (0.005, True, True), (-0.005, False, False), (-3600.0, False, False)],
    ids=["long running", "just started", "started at about that time", "started afterwards", "a successor"],
)
def test_without_pidfds_a_sender_started_before_it_sent(later: float, known: bool, marked: bool) -> None:
    """`later`: seconds from the start of the process, as /proc says it, to the datagram."""
    start = process.look_at(os.getpid(), os.getuid(), cmdline=False, start=True).started_at
    assert start is not None
    evidence = Evidence(None, lambda: start + int(later * 1e9))
    ucred = struct.pack("=iII", os.getpid(), os.getuid(), os.getgid())
    before = descriptors()
    told = recorded(Registry(evidence, ("UDSD_SOCKET", b"@x"), CgroupPaths()).identify(ucred, 0.0))
    assert told[PID] == b"%d" % os.getpid()
    assert ("OBJECT_COMM" in told, "UDSD_SENDER_UNPROVEN" in told) == (known, marked)
    assert descriptors() <= before + 2  # the table's own, and that of a process which is known from now on


def test_the_start_of_a_young_process_is_known_to_less_than_a_hundredth_of_a_second() -> None:
    close = 0
    for _ in range(20):
        before = time.time_ns()
        with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as child:
            after = time.time_ns()
            with process.look_at(child.pid, os.getuid(), cmdline=False, start=True) as look:
                child.kill()
                assert look.started_by is not None
                assert before <= look.started_by
                close += look.started_by <= after + 1_000_000
    assert close >= 15  # hundredths alone are as close as that two or three times in ten


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(lambda: os.pidfd_open(os.getpid())),
        Evidence(lambda: None),
        Evidence(lambda: None, time.time_ns),
        Evidence(None, time.time_ns),
    ],
    ids=["by the pidfd", "a thread", "the kernel has forgotten it", "before pidfds"],
)
@pytest.mark.parametrize("attached", [0, 1])
def test_another_process_than_the_uid_says_is_left_out(evidence: Evidence, attached: int) -> None:
    """As from a user namespace: the pid of a process of root, and a uid of somebody else."""
    ucred = struct.pack("=iII", os.getpid(), 12345, 12345)
    identity = Registry(evidence, ("UDSD_SOCKET", b"@x"), CgroupPaths()).identify(ucred, 0.0, attached)
    assert recorded(identity) == {
        "SYSLOG_IDENTIFIER": b"unknown", "OBJECT_UID": b"12345", "OBJECT_GID": b"12345", "UDSD_SOCKET": b"@x"
    }  # fmt: skip
    assert identity.account == ("user", "12345")


@pytest.mark.parametrize("evidence", [Evidence(lambda: None, lambda: 0), Evidence(None, lambda: 0)])
def test_a_successor_of_another_user_does_not_make_the_pid_wrong(evidence: Evidence) -> None:
    """The process started after the datagram was sent, so at that time the pid was somebody else's."""
    ucred = struct.pack("=iII", os.getpid(), 12345, 12345)
    told = recorded(Registry(evidence, ("UDSD_SOCKET", b"@x"), CgroupPaths()).identify(ucred, 0.0))
    assert told.keys() & {"OBJECT_PID", "UDSD_SENDER_PID"} == {PID}
    assert "OBJECT_COMM" not in told


def test_a_sender_is_told_with_its_name_while_it_lives(inbox: Receiver) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        told = recorded(registry(inbox, cmdline=True).identify(datagram[1], 0.0))
    assert told[PID] == str(os.getpid()).encode()
    assert told["OBJECT_COMM"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    assert told["OBJECT_CMDLINE"] == b" ".join(Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1])


@pytest.mark.parametrize("name", [b"plain", b"a) R 1 (b", b"back\\slash", b"new\nline", b"at the end\n"])
def test_a_look_with_the_start_gives_the_name_as_comm_has_it(name: bytes) -> None:
    with open("/proc/self/comm", "r+b", buffering=0) as comm:
        before = comm.read()
        comm.write(name)
        try:
            looks = [process.look_at(os.getpid(), os.getuid(), cmdline=False, start=start) for start in (True, False)]
        finally:
            comm.write(before.removesuffix(b"\n"))
    assert [look.comm for look in looks] == [name + b"\n"] * 2
    for look in looks:
        look.__exit__()


def test_a_busy_sender_is_looked_at_when_nothing_waits_and_an_idle_one_at_once(inbox: Receiver) -> None:
    senders = registry(inbox)
    before = Path("/proc/self/comm").read_text().removesuffix("\n")

    def name(now: float, comm: str) -> bytes:
        Path("/proc/self/comm").write_text(comm)
        client.sendto(b"x", inbox.name)
        datagram = inbox.peek()
        assert datagram is not None
        identity = senders.identify(datagram[1], now)
        inbox.consume()
        return recorded(identity)["OBJECT_COMM"]

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            assert [name(0.0, "first"), name(0.4, "second"), name(0.9, "second")] == [b"first"] * 3
            senders.catch_up(0.9)
            assert [name(1.0, "second"), name(1.9, "third")] == [b"second", b"third"]
    finally:
        Path("/proc/self/comm").write_text(before)
