"""The path of a socket that the daemon binds itself: what may be in the way, and what is left behind."""

import os
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import PROCESSES_ALONE, UDSD, Daemon, Start, messages, send_until_full, sender
from tests.source import TOP
from udsd.receive.bound_socket import BoundSocket


def run(*options: str, within: Sequence[str] = ()) -> tuple[int, str]:
    words = [*within, *UDSD, *options]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stderr


def done(daemon: Daemon, path: Path) -> None:
    with sender(path) as client:
        client.send(b"DONE")


def done_with_newline(daemon: Daemon, path: Path) -> None:
    with sender(path) as client:
        client.send(b"DONE\n")


def by_signal(number: signal.Signals) -> Callable[[Daemon, Path], None]:
    return lambda daemon, _path: daemon.process.send_signal(number)


@pytest.mark.parametrize(
    "stop",
    [done, done_with_newline, by_signal(signal.SIGTERM), by_signal(signal.SIGINT), by_signal(signal.SIGHUP)],
    ids=["DONE", "DONE-newline", "SIGTERM", "SIGINT", "SIGHUP"],
)
def test_a_stop_delivers_what_is_queued_and_leaves_nothing(
    start: Start, path: Path, stop: Callable[[Daemon, Path], None]
) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client, daemon.frozen():
        for number in range(100):
            client.send(b"before %d" % number)
        stop(daemon, path)
        for number in range(100):
            client.send(b"after %d" % number)
    status, lines, err = daemon.end()
    assert status == 0
    assert messages(lines) == [b"%s %d" % (when, n) for when in (b"before", b"after") for n in range(100)]
    assert "stored 200, empty 0" in err
    assert [file.name for file in path.parent.iterdir() if "notify" not in file.name] == []


def test_a_sender_that_stays_connected_is_refused_from_the_end_on(start: Start, path: Path) -> None:
    """No datagram is taken any more that would then be lost, though the queue still waits to be delivered."""
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client, sender(path) as late:
        sent = send_until_full(client)
        daemon.process.send_signal(signal.SIGTERM)
        while path.exists():
            pass
        with pytest.raises(BrokenPipeError):  # noqa: PT012  (how many still got in before the end is open)
            while True:
                late.send(b"%d" % sent)
                sent += 1
    assert not path.exists()
    status, lines, _ = daemon.end()
    assert (status, messages(lines)) == (0, [b"%d" % number for number in range(sent)])


def test_a_stale_socket_is_replaced(start: Start, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    daemon = start("--listen", str(path), "--sink=console")
    done(daemon, path)
    assert daemon.end()[0] == 0


def test_what_a_killed_daemon_left_is_replaced(start: Start, path: Path) -> None:
    killed = start("--listen", str(path), "--sink=console")
    killed.process.kill()
    killed.end()
    assert path.exists()
    daemon = start("--listen", str(path), "--sink=console")
    done(daemon, path)
    assert daemon.end()[0] == 0
    assert not path.exists()


def test_a_live_daemon_is_named_and_left_alone(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    status, err = run("--listen", str(path))
    assert status == os.EX_UNAVAILABLE
    assert f"{path} is in use by udsd with pid {daemon.pid}\n" in err
    done(daemon, path)
    assert daemon.end()[0] == 0


@pytest.mark.needs_root
def test_a_live_daemon_is_named_also_where_proc_shows_processes_alone(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    status, err = run("--listen", str(path), within=PROCESSES_ALONE)
    assert status == os.EX_UNAVAILABLE
    assert f"{path} is in use by udsd with pid {daemon.pid}\n" in err
    done(daemon, path)
    assert daemon.end()[0] == 0


@pytest.mark.needs_root
def test_another_program_is_left_alone_also_where_nobody_can_name_it(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        inode = path.lstat().st_ino
        status, err = run("--listen", str(path), within=PROCESSES_ALONE)
        assert status == os.EX_UNAVAILABLE
        assert f"{path} is in use by another program" in err
        assert path.lstat().st_ino == inode


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_another_program_is_left_alone_and_the_error_says_how_to_find_it(path: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(path))
        if kind != socket.SOCK_DGRAM:
            other.listen()
        inode = path.lstat().st_ino
        status, err = run("--listen", str(path))
        assert status == os.EX_UNAVAILABLE
        assert f"{path} is in use by another program\nudsd: stop that one first (ss -xap src {path} shows it)" in err
        assert path.lstat().st_ino == inode
        assert not Path(f"{path}.lock").exists()


def file(path: Path) -> None:
    path.write_text("precious")


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    (path.parent / "precious").write_text("precious")
    path.symlink_to("precious")


def dangling_link(path: Path) -> None:
    path.symlink_to("nothing")


def link_to_a_stale_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path.parent / "stale"))
    path.symlink_to("stale")


@pytest.mark.parametrize("make", [file, folder, fifo, link, dangling_link, link_to_a_stale_socket])
def test_anything_else_is_refused_and_untouched(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = {entry.name: entry.lstat() for entry in path.parent.iterdir()}
    status, err = run("--listen", str(path))
    assert status == os.EX_CANTCREAT
    assert f"{path} is a" in err
    assert {entry.name: entry.lstat() for entry in path.parent.iterdir()} == before


@pytest.mark.parametrize("is_stale", [False, True], ids=["nothing there", "a stale socket there"])
def test_of_two_at_once_one_wins(start: Start, path: Path, *, is_stale: bool) -> None:
    for _ in range(20):
        if is_stale:  # what both would remove, one of them too late
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
                dead.bind(str(path))
        pair = [start("--listen", str(path), "--sink=console", ready=False) for _ in range(2)]
        loser = next(daemon for daemon in pair if ended_first(pair) == daemon.pid)
        winner = next(daemon for daemon in pair if daemon is not loser)
        status, lines, err = loser.end()
        assert (status, lines) == (os.EX_UNAVAILABLE, [])
        assert f"{path} is in use by udsd with pid {winner.pid}\n" in err
        winner.until("READY=1")
        with sender(path) as client:
            client.send(b"hello")
            client.send(b"DONE")
        status, lines, _ = winner.end()
        assert (status, messages(lines)) == (0, [b"hello"])
        assert not path.exists()
        assert not Path(f"{path}.lock").exists()


def ended_first(daemons: list[Daemon]) -> int:
    """The process that ends first, which is left to be waited for."""
    info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    assert info is not None
    assert info.si_pid in [daemon.pid for daemon in daemons]
    return info.si_pid


def test_a_file_that_somebody_put_in_its_place_is_not_removed(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client:
        path.unlink()
        path.write_text("precious")
        client.send(b"hello")
        client.send(b"DONE")
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"hello"])
    assert path.read_text() == "precious"
    assert f"{path} was not removed: it is not the one that udsd made" in err


def test_a_folder_that_somebody_put_away_is_no_reason_to_lose_what_is_queued(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    daemon = start("--listen", str(folder / "sock"), "--sink=console")
    with sender(folder / "sock") as client, daemon.frozen():
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("precious")
        for payload in (b"one", b"DONE", b"two"):
            client.send(payload)
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"one", b"two"])
    assert f"{folder}/sock was not removed: Not a directory" in err


@pytest.mark.needs_root
def test_a_folder_that_may_not_be_entered_any_more_is_a_reason_to_leave_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    made = BoundSocket(str(folder / "sock"), 0o600)
    folder.chmod(0o700)
    os.seteuid(65534)
    try:
        assert made.release() == "Permission denied"
    finally:
        os.seteuid(0)
        made.socket.close()
    assert (folder / "sock").is_socket()


@pytest.mark.needs_root
def test_a_path_may_be_any_bytes(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.sock"
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client, daemon.frozen():
        for payload in (b"one", b"DONE", b"two"):
            client.send(payload)
    daemon.until("STATUS=stopping, DONE from uid 0")
    status, lines, _ = daemon.end()
    assert (status, messages(lines)) == (0, [b"one", b"two"])
    assert any(rf" on {tmp_path}/caf\xe9.sock; received 2, stored 1, " in said for said in daemon.said)


def test_those_who_are_connected_go_on_when_somebody_has_removed_the_file(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--sink=console")
    with sender(path) as client:
        client.send(b"before")
        path.unlink()
        client.send(b"after")
        client.send(b"DONE")
    status, lines, err = daemon.end()
    assert (status, messages(lines)) == (0, [b"before", b"after"])
    assert f"{path} was not removed: somebody else has removed it" in err


@pytest.mark.parametrize("mode", [0o600, 0o620, 0o666, 0o777])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_the_mode_is_right_whatever_the_umask(tmp_path: Path, mode: int, umask: int) -> None:
    path = tmp_path / "new" / "socket"
    before = os.umask(umask)
    try:
        made = BoundSocket(str(path), mode)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    made.release()
    made.socket.close()


def test_the_mode_is_never_another_one(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    seen = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                seen.add(stat.S_IMODE(os.lstat(path).st_mode))
            except FileNotFoundError:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(500):
        made = BoundSocket(str(path), 0o620)
        made.release()
        made.socket.close()
    over.set()
    watcher.join()
    assert seen <= {0o620}


def test_mode_on_the_command_line(start: Start, path: Path) -> None:
    daemon = start("--listen", str(path), "--mode", "0640", "--sink=console")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    done(daemon, path)
    daemon.end()


def test_an_abstract_socket(start: Start) -> None:
    name = f"@udsd-test-{os.getpid()}"
    daemon = start("--listen", name, "--sink=console")
    status, err = run("--listen", name)
    assert status == os.EX_UNAVAILABLE
    assert f"{name} is in use by another program\n" in err
    with sender(name) as client:
        client.send(b"hello")
        client.send(b"DONE")
    status, lines, _ = daemon.end()
    assert (status, messages(lines)) == (0, [b"hello"])


def test_a_relative_path_names_the_socket_for_the_journal_by_its_full_path(start: Start, path: Path) -> None:
    relative = os.path.relpath(path, TOP)
    daemon = start("--listen", relative, "--sink=console")
    done(daemon, path)
    status, _, err = daemon.end()
    assert status == 0
    assert f"receiving on {path}\n" in err


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--listen", "/" + "x" * 200], os.EX_USAGE, "the limit is 107"),
        (["--listen", "/nowhere/at/all"], os.EX_CANTCREAT, "cannot make the socket /nowhere/at/all"),
        (["--listen", "/proc/udsd.sock"], os.EX_CANTCREAT, "cannot make the socket /proc/udsd.sock"),
        (["--listen", "weird:/x"], os.EX_USAGE, "no format 'weird'; known: auto, raw"),
        (["--listen", ""], os.EX_USAGE, "cannot name a socket"),
        (["--mode", "999"], os.EX_USAGE, "--mode"),
        (["--mode", "01777"], os.EX_USAGE, "--mode"),
        (["--sink", "nowhere"], os.EX_USAGE, "--sink"),
        (["--stop-from", "no-such-user"], os.EX_NOUSER, "--stop-from no-such-user: "),
        (["--stop-from", "@no-such-group"], os.EX_NOUSER, "--stop-from @no-such-group: "),
        (["--rate-limit", "much"], os.EX_USAGE, "--rate-limit"),
        (["--rate-limit", "0/30"], os.EX_USAGE, "--rate-limit"),
        (["--rate-limit", "10"], os.EX_USAGE, "--rate-limit"),
        (["--rate-limit", "10/inf"], os.EX_USAGE, "--rate-limit"),
        (["--nonsense"], os.EX_USAGE, "--nonsense"),
        (["word"], os.EX_USAGE, "word"),
    ],
)
def test_mistakes_have_a_clear_error(options: list[str], status: int, text: str) -> None:
    got, err = run(*options)
    assert got == status
    assert text in err
    assert "Traceback" not in err


def test_a_second_socket_that_cannot_be_made_takes_the_first_with_it(path: Path) -> None:
    status, _ = run("--listen", str(path), "--listen", "/nowhere/at/all")
    assert status == os.EX_CANTCREAT
    assert list(path.parent.iterdir()) == []


@pytest.mark.needs_root
def test_an_ordinary_user_gets_the_socket_of_his_own(start: Start, tmp_path: Path) -> None:
    daemon = start("--sink=console", XDG_RUNTIME_DIR=str(tmp_path), journald=tmp_path)
    assert not (tmp_path / "udsd").exists(), "root has the system's socket"
    daemon.process.terminate()
    assert daemon.end()[0] == 0
