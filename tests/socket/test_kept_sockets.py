"""Sockets that udsd binds itself and a service manager keeps: what the next run does with them after a kill."""

import array
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import Journald, activate, messages, sender

Run = subprocess.Popen[bytes]


class Manager:
    """A service manager that keeps descriptors, and passes them to the next run."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._address)
        self._socket.settimeout(SECONDS)
        self.kept: list[tuple[str, int]] = []
        self.runs: list[Run] = []

    @property
    def sockets(self) -> list[str]:
        """The names of the kept sockets."""
        return [name for name, _ in self.kept if name.startswith("udsd-bound.")]

    def start(self, *options: str, ready: bool = True, journald: Path | None = None) -> Run:
        run = activate(
            *(descriptor for _, descriptor in self.kept),
            names=":".join(name for name, _ in self.kept) or None,
            options=options,
            journald=journald,
            NOTIFY_SOCKET=self._address,
        )
        self.runs.append(run)
        while ready and "READY=1" not in self._read():
            pass
        return run

    def end(self, run: Run) -> tuple[int, list[bytes]]:
        """Wait for its end: exit status, messages on the console."""
        out, err = run.communicate(timeout=SECONDS)
        assert b"Traceback" not in err, err.decode()
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._read()
        self._socket.settimeout(SECONDS)
        return run.returncode, messages(out.splitlines())

    def kill(self, run: Run) -> list[bytes]:
        """Kill it with SIGKILL; the messages on the console."""
        run.kill()
        return self.end(run)[1]

    def close(self) -> None:
        for run in self.runs:
            run.kill()
            run.communicate()
        for _, descriptor in self.kept:
            os.close(descriptor)
        self._socket.close()

    def _read(self) -> list[str]:
        """Obey the next notification; its assignments."""
        data, control, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(4))
        said = data.decode().splitlines()
        values = dict(line.split("=", 1) for line in said)
        if "FDSTORE" in values:
            ((_, _, passed),) = control
            self.kept.append((values["FDNAME"], array.array("i", passed)[0]))
        if "FDSTOREREMOVE" in values:
            gone = [one for one in self.kept if one[0] == values["FDNAME"]]
            self.kept = [one for one in self.kept if one not in gone]
            for _, descriptor in gone:
                os.close(descriptor)
        return said


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with ExitStack() as stack:
        manager = Manager(tmp_path)
        stack.callback(manager.close)
        yield manager


def freeze(run: Run) -> None:
    run.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, run.pid, os.WSTOPPED | os.WNOWAIT)


def killed_with_a_queue(manager: Manager, *options: str, to: Path | str) -> socket.socket:
    """Kill a run while `one` and `two` are queued. Returns their sender, still connected."""
    run = manager.start("--sink=console", *options)
    freeze(run)
    client = sender(to)
    client.send(b"one")
    client.send(b"two")
    assert manager.kill(run) == []
    return client


def stopped(manager: Manager, run: Run, to: Path | str) -> list[bytes]:
    """Stop a run with a datagram; all that it has printed."""
    with sender(to) as client:
        client.send(b"DONE")
    status, lines = manager.end(run)
    assert status == 0
    assert manager.kept == []
    return lines


def file_at(path: Path) -> int | None:
    """The inode of a file; None if there is none."""
    return path.stat().st_ino if path.exists() else None


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_the_next_run_goes_on_with_the_socket(manager: Manager, path: Path, abstract: bool) -> None:
    to = f"@{path}" if abstract else str(path)
    with killed_with_a_queue(manager, "--listen", to, to=to) as client:
        before, kept = file_at(path), manager.sockets
        client.send(b"three, to no run at all")
        run = manager.start("--sink=console", "--listen", to)
        assert manager.sockets == kept
        assert file_at(path) == before
        client.send(b"four, without a new connection")
        assert stopped(manager, run, to) == [
            b"one",
            b"two",
            b"three, to no run at all",
            b"four, without a new connection",
        ]
    assert not path.exists()
    assert not Path(f"{path}.lock").exists()


def missing(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))


@pytest.mark.parametrize("change", [missing, replaced])
def test_a_socket_without_its_file_is_emptied_and_given_up(
    manager: Manager, path: Path, change: Callable[[Path], None]
) -> None:
    with killed_with_a_queue(manager, "--listen", str(path), to=path) as client:
        kept = manager.sockets
        change(path)
        run = manager.start("--sink=console", "--listen", str(path))
        assert manager.sockets != kept
        with sender(path) as late:
            late.send(b"to the new one")
        assert stopped(manager, run, path) == [b"one", b"two", b"to the new one"]
        with pytest.raises(ConnectionRefusedError):
            client.send(b"to the old one")
    assert not path.exists()


def test_a_socket_at_a_path_that_is_no_longer_listened_on_is_emptied_and_given_up(
    manager: Manager, path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with killed_with_a_queue(manager, "--listen", f"raw:{path}", to=path) as client:
        client.send(b"<3>in the format of the old one")
        run = manager.start("--sink=console", "--listen", str(other))
        assert not path.exists()
        assert not Path(f"{path}.lock").exists()
        with sender(other) as late:
            late.send(b"<3>in the format of the new one")
        assert stopped(manager, run, other) == [
            b"one",
            b"two",
            b"<3>in the format of the old one",
            b"in the format of the new one",
        ]


@pytest.mark.needs_root
@pytest.mark.parametrize("newest_first", [False, True])
def test_of_two_kept_sockets_the_one_with_the_file_goes_on(
    manager: Manager, path: Path, journald: Journald, newest_first: bool
) -> None:
    """A run is killed before it could deliver what is queued in the socket of the run before it."""
    with killed_with_a_queue(manager, "--listen", str(path), to=path):
        path.unlink()
        journald.close()
        second = manager.start("--sink=journal", "--listen", str(path), journald=journald.path.parent)
        with sender(path) as client:
            client.send(b"to the second")
            manager.kill(second)
            assert len(manager.sockets) == 2
            inode = path.stat().st_ino
            if newest_first:
                manager.kept.reverse()
            third = manager.start("--sink=console", "--listen", str(path))
            assert path.stat().st_ino == inode
            client.send(b"to the third")
            assert stopped(manager, third, path) == [b"one", b"two", b"to the second", b"to the third"]


@pytest.mark.parametrize(
    ("options", "status"),
    [(("--listen", "/proc/none/sock"), os.EX_CANTCREAT), (("--output", "/proc/none/log"), os.EX_CANTCREAT)],
    ids=["second-socket", "output"],
)
def test_a_start_that_fails_after_it_took_over_keeps_everything(
    manager: Manager, path: Path, options: tuple[str, ...], status: int
) -> None:
    with killed_with_a_queue(manager, "--listen", str(path), to=path) as client:
        inode, kept = path.stat().st_ino, manager.sockets
        failed = manager.start("--listen", str(path), *options, ready=False)
        assert manager.end(failed)[0] == status
        assert (path.stat().st_ino, manager.sockets) == (inode, kept)
        client.send(b"three")
        run = manager.start("--sink=console", "--listen", str(path))
        assert path.stat().st_ino == inode
        assert stopped(manager, run, path) == [b"one", b"two", b"three"]


def test_a_start_that_fails_leaves_nothing_new_with_the_manager(manager: Manager, path: Path) -> None:
    failed = manager.start("--listen", str(path), "--listen", "/proc/none/sock", ready=False)
    assert manager.end(failed)[0] == os.EX_CANTCREAT
    assert manager.sockets == []
    assert not path.exists()


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
@pytest.mark.parametrize("says", [True, False])
def test_an_error_of_a_run_loses_nothing(
    manager: Manager, path: Path, monkeypatch: pytest.MonkeyPatch, says: bool, abstract: bool
) -> None:
    """Only a manager that says that it keeps sockets finds the file again; systemd before 254 does not say so."""
    to = f"@{path}" if abstract else str(path)
    if says:
        monkeypatch.setenv("FDSTORE", "4")
    run = manager.start("--sink=console", "--listen", to)
    assert run.stdout is not None
    run.stdout.close()
    with sender(to) as client:
        client.send(b"one")
        assert manager.end(run) == (os.EX_IOERR, [])
        assert path.exists() == (says and not abstract)
        client.send(b"two")
        run = manager.start("--sink=console", "--listen", to)
        assert stopped(manager, run, to) == [b"one", b"two"]
