"""The loop, end to end, with a real process: what is sent, what comes out, how it ends."""

import array
import fcntl
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import PID, UDSD, Journald, Start, messages, open_files, send_until_full, sender, until_asleep
from tests.source import TOP

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
SEND = "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), sys.argv[1])"


@pytest.fixture
def public(tmp_path: Path, path: Path) -> Path:
    """The path of a socket that every user reaches."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    return path


@pytest.mark.needs_root
def test_done_from_another_user_is_a_message(start: Start, public: Path) -> None:
    daemon = start("--listen", str(public), "--sink=console")
    subprocess.run([*AS_NOBODY, sys.executable, "-c", SEND, str(public), "DONE"], check=True)
    with sender(public) as client:
        client.send(b"DONE")
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"DONE"])
    assert "stopped by DONE from uid 0, pid " in err
    assert "received 2, stored 1, empty 0, DONE refused 1, DONE obeyed 1" in err


@pytest.mark.needs_root
@pytest.mark.parametrize("who", ["nobody", "@nogroup"])
def test_stop_from_changes_who_may_stop_it(start: Start, public: Path, who: str) -> None:
    daemon = start("--listen", str(public), "--sink=console", "--stop-from", "daemon", "--stop-from", who)
    with sender(public) as client:
        client.send(b"DONE")
    subprocess.run([*AS_NOBODY, sys.executable, "-c", SEND, str(public), "DONE"], check=True)
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"DONE"])
    assert "stopped by DONE from uid 65534, pid " in err


def test_stop_from_none_lets_nobody_stop_it_and_warns_of_each_user_once(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console", "--stop-from=none")
    with sender(path) as client:
        for _ in range(10):
            client.send(b"DONE")
        client.send(b"last")
    daemon.until("STATUS=received 11, stored 11, empty 0, DONE refused 10")
    daemon.process.send_signal(signal.SIGTERM)
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"DONE"] * 10 + [b"last"])
    assert err.count(" refused: ") == 1


@pytest.mark.needs_root
def test_what_is_over_the_limit_is_dropped_and_reported_when_the_interval_ends(
    start: Start, path: Path, journald: Journald
) -> None:
    start("--listen", str(path), "--sink=journal", "--rate-limit=10/1", journald=journald.path.parent)
    with sender(path) as client:
        for number in range(25):
            client.send(b"%d" % number)
        assert journald.messages(10) == [b"%d" % number for number in range(10)]
        reached = journald.entry()
        assert reached["MESSAGE"].startswith(b"uid 0 has reached its limit of 10 datagrams")
        report = journald.entry()
        assert (report["UDSD_DROPPED"], report["UDSD_ACCOUNT"], report["PRIORITY"]) == (b"15", b"uid 0", b"4")
        client.send(b"in the next interval")
        assert journald.messages(1) == [b"in the next interval"]


def test_a_steady_sender_costs_no_reads(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console", "--rate-limit=off")

    def reads() -> int:
        """The read(2) calls of the daemon so far; receiving is not among them (proc_pid_io(5))."""
        return int(re.findall(r"syscr: (\d+)", Path(f"/proc/{daemon.pid}/io").read_text())[0])

    with sender(path) as client:
        client.send(b"first")
        daemon.until("STATUS=received 1,")
        before, began = reads(), time.monotonic()
        for number in range(500):
            client.send(b"%d" % number)
        client.send(b"DONE")
        daemon.until("STOPPING=1")
        seconds = time.monotonic() - began
        assert reads() - before <= 10 * (1 + int(seconds))


@pytest.mark.needs_root
def test_the_daemons_own_user_may_stop_it(tmp_path: Path, public: Path) -> None:
    tmp_path.chmod(0o777)
    daemon = subprocess.Popen(
        [*AS_NOBODY, *UDSD, "--listen", str(public), "--sink=console"],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert daemon.stderr is not None
    assert daemon.stderr.readline().startswith(b"udsd: receiving on ")
    subprocess.run([*AS_NOBODY, sys.executable, "-c", SEND, str(public), "DONE"], check=True)
    _, err = daemon.communicate(timeout=SECONDS)
    assert daemon.returncode == 0
    assert b"stopped by DONE from uid 65534, pid " in err


@pytest.mark.needs_root
def test_entries_carry_the_sender_and_the_socket_and_no_field_of_the_senders_making(
    start: Start, path: Path, journald: Journald
) -> None:
    start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    hostile = b"x\nPRIORITY=0\n_UID=0\nOBJECT_UID=1"
    with sender(path) as client:
        client.send(hostile)
    assert journald.messages(1) == [hostile]
    with sender(path) as client:
        client.send(b"hello\n")
    entry = journald.entry()
    comm = Path("/proc/self/comm").read_bytes().rstrip()
    assert {name: value for name, value in entry.items() if not name.startswith("OBJECT_SYSTEMD_")} == {
        "MESSAGE": b"hello",
        "PRIORITY": b"6",
        "SYSLOG_IDENTIFIER": comm,
        "SYSLOG_PID": b"%d" % os.getpid(),
        "OBJECT_COMM": comm,
        PID: b"%d" % os.getpid(),
        "OBJECT_UID": b"0",
        "OBJECT_GID": b"0",
        "UDSD_SOCKET": str(path).encode(),
    }


@pytest.mark.needs_root
def test_an_entry_too_large_for_a_datagram_goes_in_a_sealed_memfd(start: Start, path: Path, journald: Journald) -> None:
    start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    payload = random.Random(3).randbytes(3 << 20)
    with sender(path) as client:
        client.setsockopt(socket.SOL_SOCKET, 32, 8 << 20)  # SO_SNDBUFFORCE
        client.send(payload)
    descriptors: list[int] = []
    while not descriptors:
        data, descriptors = journald.datagram()
    assert data == b""
    (memfd,) = descriptors
    sealed = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    assert fcntl.fcntl(memfd, fcntl.F_GET_SEALS) == sealed
    with open(memfd, "rb") as contents:
        contents.seek(0)
        assert b"MESSAGE\n" + len(payload).to_bytes(8, "little") + payload + b"\n" in contents.read()


def test_descriptors_of_a_sender_are_never_taken(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    before = open_files(daemon.pid)
    passed = array.array("i", [0] * 253)
    taken = 0
    with sender(path) as client:
        for _ in range(20):
            with suppress(PermissionError):  # the kernel's answer, from Linux 6.16 on
                client.sendmsg([b"with descriptors"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
                taken += 1
        client.send(b"without")
        daemon.until(f"STATUS=received {taken + 1}, stored {taken + 1}")
        after = open_files(daemon.pid)
        assert [link for link in after if "pidfd" not in link] == before
        assert len(after) == len(before) + 1  # the pidfd of this process
        client.send(b"DONE")
    assert messages(daemon.end()[1]) == [b"with descriptors"] * taken + [b"without"]


@pytest.mark.parametrize("option", ["--stats-interval=2592000", "--rate-limit=1/2592000"])
def test_an_interval_may_be_longer_than_poll_can_wait(option: str, start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console", option)
    with sender(path) as client:
        client.send(b"stored")
        client.send(b"stored, or over the limit")
        daemon.until("STATUS=received 2")
        client.send(b"DONE")
    status, lines, _ = daemon.end()
    assert (status, messages(lines)[0]) == (0, b"stored")


@pytest.mark.needs_root
def test_two_sockets_in_one_daemon(start: Start, tmp_path: Path, journald: Journald) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    start("--listen", str(paths[0]), "--listen", f"raw:{paths[1]}", "--sink=journal", journald=journald.path.parent)
    assert journald.entry()["MESSAGE"] == f"receiving on {paths[0]}, {paths[1]}".encode()
    for path in paths:
        with sender(path) as client:
            client.send(b"hello")
        assert journald.entry()["UDSD_SOCKET"] == str(path).encode()


@pytest.mark.needs_root
def test_a_full_journald_is_waited_for_without_work_and_nothing_is_lost(
    start: Start, path: Path, journald: Journald
) -> None:
    daemon = start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    with sender(path) as client:
        sent = send_until_full(client)
        daemon.until("STATUS=waiting for journald (its queue is full)")
        slept = int(until_asleep(daemon.pid))
        assert send_until_full(client, sent, patience=3) == sent
        assert int(until_asleep(daemon.pid)) - slept <= 15  # it wakes up a few times a second, for its heartbeat
    own = []
    for number in range(sent):
        while "UDSD_SOCKET" not in (entry := journald.entry()):
            own.append(entry["MESSAGE"])
        assert entry["MESSAGE"] == b"%d" % number
    assert len(own) == 3
    assert own[1].startswith(b"journald takes no entries (its queue is full)")
    assert own[2].startswith(b"journald takes entries again after ")


@pytest.mark.needs_root
def test_a_datagram_that_waits_for_journald_counts_once_against_the_limit(
    start: Start, path: Path, journald: Journald
) -> None:
    daemon = start("--listen", str(path), "--sink=journal", "--rate-limit=10/1000", journald=journald.path.parent)
    payloads = [b"%d" % number * 60_000 for number in range(10)]  # journald's queue takes three or four of them
    with sender(path) as client:
        # Room for six: the kernel wakes a sender that waits only once three quarters of its buffer are free.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 212_992)
        for payload in payloads[:6]:
            client.send(payload)
        daemon.until("STATUS=waiting for journald (its queue is full)")
        assert journald.messages(6) == payloads[:6]
        for payload in payloads[6:]:
            client.send(payload)
        assert journald.messages(4) == payloads[6:]


@pytest.mark.needs_root
def test_entries_that_died_with_journalds_socket_are_delivered_anew_and_marked(
    start: Start, path: Path, journald: Journald
) -> None:
    daemon = start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    with sender(path) as client:
        for number in range(5):
            client.send(b"%d" % number)
        daemon.until("STATUS=received 5")
        assert journald.messages(2) == [b"0", b"1"]
        journald.close()
        successor = Journald(journald.path.parent)
        entries: dict[bytes, dict[str, bytes]] = {}
        while not {b"%d" % number for number in range(5)} <= entries.keys():
            entry = successor.entry()
            entries[entry["MESSAGE"]] = entry
        assert all(entry["UDSD_REDELIVERED"] == b"1" for entry in entries.values() if "UDSD_SOCKET" in entry)
        client.send(b"5")
        while (entry := successor.entry())["MESSAGE"] != b"5":
            pass
        assert "UDSD_REDELIVERED" not in entry
        successor.close()


@pytest.mark.needs_root
def test_what_journald_does_not_take_at_the_end_is_printed(
    start: Start, path: Path, journald: Journald, tmp_path: Path
) -> None:
    metrics = tmp_path / "udsd.prom"
    daemon = start("--listen", str(path), "--sink=journal", f"--metrics={metrics}", journald=journald.path.parent)
    assert journald.entry()["MESSAGE"].startswith(b"receiving on ")
    with sender(path) as client, daemon.frozen():
        journald.close()
        for number in range(10):
            client.send(b"%d" % number)
        daemon.process.send_signal(signal.SIGTERM)
    status, lines, err = daemon.end()
    assert (status, lines) == (os.EX_UNAVAILABLE, [])
    printed = re.findall(r"^\w{3} \d\d \d\d:\d\d:\d\d \S+ \S+\[\d+\]: (\d)$", err, re.MULTILINE)
    assert printed == [str(number) for number in range(10)]
    assert err.count("received 10, stored 0, empty 0, undelivered 10") == 1
    counted = metrics.read_text().splitlines()
    assert f'udsd_payload_bytes_total{{socket="{path}"}} 10.0' in counted
    assert f'udsd_largest_payload_bytes{{socket="{path}"}} 1.0' in counted
    assert not path.exists()


@pytest.mark.needs_root
def test_a_second_signal_leaves_at_once(start: Start, path: Path, journald: Journald) -> None:
    daemon = start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    with sender(path) as client, daemon.frozen():
        journald.close()
        client.send(b"never delivered")
        daemon.process.send_signal(signal.SIGTERM)
    daemon.until("STOPPING=1")
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.end()[0] == -signal.SIGTERM


def test_the_console_stops_taking_when_its_reader_does(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client:
        sent = send_until_full(client)
    daemon.until("STATUS=waiting for standard output (its reader is behind)")
    daemon.process.send_signal(signal.SIGTERM)
    status, lines, _ = daemon.end()
    assert status == 0
    assert messages(lines) == [b"%d" % number for number in range(sent)]


def test_a_console_whose_reader_is_gone_is_an_error(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    assert daemon.process.stdout is not None
    daemon.process.stdout.close()
    with sender(path) as client:
        client.send(b"hello")
    assert daemon.process.wait(SECONDS) == os.EX_IOERR
    assert daemon.process.stderr is not None
    assert b"standard output: Broken pipe" in daemon.process.stderr.read()
    assert not path.exists()


def by_hand(path: Path, *options: str) -> "subprocess.Popen[bytes]":
    """A daemon without journald and service manager, once it receives."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "SYSTEMD_EXEC_PID")
    }
    command = [*UDSD, "--listen", str(path), *options]
    daemon = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh", *command],
        cwd=TOP,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert daemon.stderr is not None
    assert daemon.stderr.readline() == f"udsd: receiving on {path}\n".encode()
    return daemon


@pytest.mark.needs_root
def test_without_journald_and_service_manager_entries_go_to_the_console(path: Path) -> None:
    daemon = by_hand(path)
    with sender(path) as client:
        client.send(b"hello\x1b[2J")
        client.send(b"DONE")
    out, _ = daemon.communicate(timeout=SECONDS)
    assert messages(out.splitlines()) == [b"hello\\x1b[2J"]


@pytest.mark.needs_root
def test_what_is_said_at_the_end_and_waits_for_journald_is_not_said_again(path: Path) -> None:
    daemon = by_hand(path, "--sink=journal")
    daemon.terminate()
    _, err = daemon.communicate(timeout=SECONDS)
    assert err.count(b"stopped by SIGTERM") == 1


def test_sighup_opens_the_file_of_output_again(start: Start, path: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    daemon = start("--listen", str(path), f"--output={log}")
    assert log.stat().st_mode & 0o777 == 0o640
    with sender(path) as client:
        with daemon.frozen():
            client.send(b"before")
        until_in(log, "before")
        log.rename(tmp_path / "log.1")
        daemon.process.send_signal(signal.SIGHUP)
        until_in(log, "")
        client.send(b"after")
        client.send(b"DONE")
    status, out, err = daemon.end()
    assert (status, out, err) == (0, [], "")
    old, new = (tmp_path / "log.1").read_text(), log.read_text()
    assert "receiving on" in old
    assert "]: before\n" in old
    assert "after" not in old
    assert "]: after\n" in new
    assert "udsd: stopped by DONE" in new, "its own messages go where the entries go"


def test_a_file_that_cannot_be_opened_again_is_said_in_the_old_one(start: Start, path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    daemon = start("--listen", str(path), f"--output={folder / 'log'}")
    folder.rename(tmp_path / "moved")
    daemon.process.send_signal(signal.SIGHUP)
    until_in(tmp_path / "moved/log", f"{folder / 'log'}: No such file or directory; udsd goes on with the old file")
    with sender(path) as client:
        client.send(b"DONE")
    assert daemon.end()[0] == 0


def until_in(file: Path, text: str) -> None:
    """Return when a file is there and has this text."""
    deadline = time.monotonic() + SECONDS
    while not file.exists() or text not in file.read_text():
        assert time.monotonic() < deadline, f"{file} does not have {text}"
