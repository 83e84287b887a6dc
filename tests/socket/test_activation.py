"""Sockets that a service manager passes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import Journald, activate, messages, sender


def bound(path: Path, kind: int = socket.SOCK_DGRAM) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(str(path))
    return made


@pytest.mark.parametrize("names", [None, "raw", "udsd.socket"])
def test_what_is_queued_comes_first_and_the_socket_stays(path: Path, names: str | None) -> None:
    with bound(path) as held, sender(path) as client:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        for payload in (b"one", b"", b"two", b"DONE", b"three"):
            client.send(payload)
        first = activate(held.fileno(), names=names)
        out, err = first.communicate(timeout=SECONDS)
        assert (first.returncode, messages(out.splitlines())) == (0, [b"one", b"two", b"three"])
        assert b"received 5, stored 3, empty 1, DONE obeyed 1" in err
        client.send(b"four")
        second = activate(held.fileno(), names=names)
        assert second.stdout is not None
        assert messages([second.stdout.readline().rstrip(b"\n")]) == [b"four"]
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=SECONDS)
        assert second.returncode == 0
        assert path.exists()


def test_a_socket_that_has_lost_its_file_is_refused_to_senders_and_emptied(path: Path) -> None:
    """So systemd leaves it when its unit is stopped, but that systemd has closed it, too."""
    with bound(path) as held, sender(path) as client:
        client.send(b"0")
        daemon = activate(held.fileno(), names="raw")
        assert daemon.stdout is not None
        assert messages([daemon.stdout.readline().rstrip(b"\n")]) == [b"0"]
        daemon.send_signal(signal.SIGSTOP)
        for number in range(1, 10):
            client.send(b"%d" % number)
        path.unlink()
        daemon.send_signal(signal.SIGTERM)
        daemon.send_signal(signal.SIGCONT)
        out, _ = daemon.communicate(timeout=SECONDS)
        assert (daemon.returncode, messages(out.splitlines())) == (0, [b"%d" % number for number in range(1, 10)])
        with pytest.raises(BrokenPipeError):
            client.send(b"late")
        again = activate(held.fileno(), names="raw")
        _, err = again.communicate(timeout=SECONDS)
        assert again.returncode == os.EX_UNAVAILABLE
        assert b"has been shut down" in err


@pytest.mark.needs_root
@pytest.mark.parametrize("killed", [True, False])
def test_what_is_first_after_a_kill_is_marked_as_a_possible_repeat(
    path: Path, journald: Journald, killed: bool
) -> None:
    mark = os.memfd_create("mark")
    with bound(path) as held, bound(path.with_name("other")) as quiet, sender(path) as client, open(mark, "rb"):
        client.send(b"one")
        client.send(b"two")
        daemon = activate(
            *(held.fileno(), quiet.fileno(), mark)[: 3 if killed else 2],
            names="raw:raw:udsd-runs" if killed else "raw:raw",
            options=("--sink=journal",),
            journald=journald.path.parent,
        )
        entries = [journald.entry() for _ in range(3)]
        assert [entry["MESSAGE"] for entry in entries[1:]] == [b"one", b"two"]
        assert ["UDSD_REDELIVERED" in entry for entry in entries] == [False, killed, False]
        with sender(path.with_name("other")) as late:
            late.send(b"came later")
        assert "UDSD_REDELIVERED" not in journald.entry()
        daemon.kill()
        daemon.communicate()


def test_the_mark_of_a_run_is_kept_by_the_manager_until_it_ends(path: Path, tmp_path: Path) -> None:
    with bound(path) as held, bound(tmp_path / "notify") as manager, sender(path) as client:
        manager.settimeout(SECONDS)
        daemon = activate(held.fileno(), NOTIFY_SOCKET=str(tmp_path / "notify"))
        told, control, _, _ = manager.recvmsg(4096, socket.CMSG_SPACE(64))
        assert told == b"FDSTORE=1\nFDNAME=udsd-runs"
        ((_, kind, descriptor),) = control
        assert kind == socket.SCM_RIGHTS
        os.close(int.from_bytes(descriptor, sys.byteorder))
        client.send(b"DONE")
        daemon.communicate(timeout=SECONDS)
        said = [told]
        while not said[-1].startswith(b"FDSTOREREMOVE=1"):
            said.append(manager.recv(4096))
        assert said[-1] == b"FDSTOREREMOVE=1\nFDNAME=udsd-runs"
        assert [told for told in said if told.startswith((b"READY", b"STOPPING"))][-1].startswith(b"STOPPING=1")


def test_what_is_queued_when_a_signal_stops_it_is_delivered_first(path: Path) -> None:
    with bound(path) as held, sender(path) as client:
        held.setblocking(False)
        daemon = activate(held.fileno())
        assert daemon.stderr is not None
        daemon.stderr.readline()
        daemon.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.pid, os.WSTOPPED | os.WNOWAIT)
        for number in range(200):
            client.send(b"queued %d" % number)
        daemon.send_signal(signal.SIGTERM)
        daemon.send_signal(signal.SIGCONT)
        out, _ = daemon.communicate(timeout=SECONDS)
        assert daemon.returncode == 0
        assert messages(out.splitlines()) == [b"queued %d" % number for number in range(200)]
        assert path.exists()
        with pytest.raises(BlockingIOError):
            held.recv(100)


def test_a_signal_during_the_start_waits_until_what_is_queued_is_delivered(path: Path) -> None:
    with bound(path) as held, sender(path) as client:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        client.send(b"queued before the start")
        daemon = activate(held.fileno())
        deadline = time.monotonic() + SECONDS
        while not _blocks_sigterm(daemon.pid):
            assert time.monotonic() < deadline
        daemon.send_signal(signal.SIGTERM)
        out, err = daemon.communicate(timeout=SECONDS)
        assert (daemon.returncode, messages(out.splitlines())) == (0, [b"queued before the start"])
        assert b"stopped by SIGTERM" in err


def _blocks_sigterm(pid: int) -> bool:
    (blocked,) = re.findall(r"^SigBlk:\s+(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(blocked, 16) >> (signal.SIGTERM - 1) & 1)


_SEND_FOREVER = """
import socket, sys
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(sys.argv[1])
while True:
    sender.send(b"again")
"""


def test_senders_that_never_pause_do_not_keep_it_from_stopping(path: Path) -> None:
    """What they send after the stop waits for the next start."""
    with bound(path) as held:
        daemon = activate(held.fileno(), options=("--sink=console", "--rate-limit=off"))
        assert daemon.stderr is not None
        daemon.stderr.readline()
        senders = [subprocess.Popen([sys.executable, "-c", _SEND_FOREVER, path]) for _ in range(3)]
        assert daemon.stdout is not None
        for _ in range(1000):
            daemon.stdout.readline()
        daemon.send_signal(signal.SIGTERM)
        started = time.monotonic()
        daemon.communicate(timeout=SECONDS)
        took = time.monotonic() - started
        for process in senders:
            process.kill()
            process.wait()
        assert daemon.returncode == 0
        assert took < SECONDS / 3
        held.setblocking(False)
        assert held.recv(100) == b"again"


@pytest.mark.needs_root
def test_what_a_blocked_sink_does_not_take_waits_for_the_next_start(path: Path, journald: Journald) -> None:
    with bound(path) as held, sender(path) as client:
        daemon = activate(held.fileno(), options=("--sink=journal",), journald=journald.path.parent)
        journald.entry()  # it receives
        journald.close()
        client.send(b"for the next start")
        daemon.send_signal(signal.SIGTERM)
        _, err = daemon.communicate(timeout=SECONDS)
        assert daemon.returncode == 0
        assert b"for the next start" not in err
        assert held.recv(100) == b"for the next start"


def queue_numbers(path: Path, senders: ExitStack) -> None:
    """Queue 400 numbered datagrams, more than a pipe has room for. They come from 20 senders, who do not wait."""
    clients = [senders.enter_context(sender(path)) for _ in range(20)]
    for number in range(400):
        clients[number % 20].send(b"%03d" % number + b"." * 4000)


def slowly(daemon: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """What a daemon prints, as a slow disk takes it: the slowness is what is tested, so nothing is waited for."""
    assert daemon.stdout is not None
    while part := os.read(daemon.stdout.fileno(), 65536):
        yield part
        time.sleep(0.05)


def test_a_slow_sink_gets_all_that_was_queued_at_the_stop(path: Path) -> None:
    with bound(path) as held, ExitStack() as senders:
        queue_numbers(path, senders)
        daemon = activate(held.fileno(), options=("--sink=console", "--rate-limit=off"))
        assert daemon.stderr is not None
        daemon.stderr.readline()  # it receives
        daemon.send_signal(signal.SIGTERM)
        out = b"".join(slowly(daemon))
        daemon.communicate(timeout=SECONDS)
        assert daemon.returncode == 0
        assert re.findall(rb": (\d{3})\.", out) == [b"%03d" % number for number in range(400)]


def test_a_socket_that_is_given_up_during_the_stop_is_sealed(path: Path) -> None:
    """What was sent before is delivered, and later senders see an error: nothing is left in the queue."""
    with bound(path) as held, ExitStack() as senders:
        queue_numbers(path, senders)
        late = senders.enter_context(sender(path))
        daemon = activate(held.fileno(), options=("--sink=console", "--rate-limit=off"))
        assert daemon.stderr is not None
        daemon.stderr.readline()  # it receives
        daemon.send_signal(signal.SIGTERM)
        out, sent = b"", 0
        for parts, part in enumerate(slowly(daemon), 1):
            out += part
            if parts == 3:
                path.unlink()
            if parts > 3:
                with suppress(BrokenPipeError):
                    late.send(b"late")
                    sent += 1
        daemon.communicate(timeout=SECONDS)
        with pytest.raises(BrokenPipeError):
            late.send(b"too late")
        assert (out.count(b": late\n"), len(re.findall(rb": \d{3}\.", out))) == (sent, 400)
        held.setblocking(False)
        with pytest.raises(BlockingIOError):
            held.recv(100)


def refused(daemon: "subprocess.Popen[bytes]") -> tuple[int, str]:
    out, err = daemon.communicate(timeout=SECONDS)
    assert out == b""
    assert b"Traceback" not in err
    return daemon.returncode, err.decode()


def test_a_stream_socket_is_named_and_refused(path: Path, tmp_path: Path) -> None:
    with bound(path) as good, bound(tmp_path / "stream", socket.SOCK_STREAM) as stream:
        status, err = refused(activate(good.fileno(), stream.fileno(), names="raw:oops"))
        assert status == os.EX_CONFIG
        assert "descriptor 4 (oops), passed by the service manager, is not a UNIX datagram socket" in err
        assert path.exists()


def test_a_socket_of_another_family_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inet:
        status, err = refused(activate(inet.fileno()))
        assert status == os.EX_CONFIG
        assert "is not a UNIX datagram socket" in err


def test_a_name_that_is_no_format_is_refused(path: Path) -> None:
    with bound(path) as held:
        status, err = refused(activate(held.fileno(), names="weird"))
        assert status == os.EX_CONFIG
        assert (
            "descriptor 3 (weird), passed by the service manager, is not named after a format; known: auto, raw" in err
        )


@pytest.mark.parametrize("options", [("--listen", "/tmp/x"), ("--mode", "0600")])
def test_options_for_sockets_of_our_own_do_not_go_with_passed_ones(path: Path, options: tuple[str, ...]) -> None:
    with bound(path) as held:
        status, err = refused(activate(held.fileno(), options=options))
        assert status == os.EX_USAGE
        assert "ListenDatagram=" in err
