"""The pid file: whose it is, what is never touched, and what is left."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from udsd.errors import UdsdError
from udsd.service.pidfile import PidFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "udsd.pid"


def test_it_holds_the_pid_and_is_gone_in_the_end(path: Path) -> None:
    ours = PidFile(str(path))
    ours.write()
    assert path.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    ours.remove()
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "\n", "1", "1\n", " 4194304 \n", "9" * 20])
def test_a_stale_one_is_taken_over(path: Path, content: str) -> None:
    path.write_text(content)
    ours = PidFile(str(path))
    ours.write()
    assert path.read_text() == f"{os.getpid()}\n"
    ours.remove()


def test_the_one_of_a_daemon_that_runs_is_refused_with_its_pid(path: Path) -> None:
    ours = PidFile(str(path))
    ours.write()
    with pytest.raises(UdsdError, match=f"{path}: .* runs already, with pid {os.getpid()}$") as refused:
        PidFile(str(path))
    assert refused.value.status == os.EX_UNAVAILABLE
    assert path.read_text() == f"{os.getpid()}\n"
    ours.remove()


def test_the_pid_of_a_daemon_before_is_never_named(path: Path) -> None:
    path.write_text("1\n")
    starting = PidFile(str(path))
    with pytest.raises(UdsdError, match="runs already, and is about to start"):
        PidFile(str(path))
    starting.remove()


def text(path: Path) -> None:
    path.write_text("precious\n")


def numbers(path: Path) -> None:
    path.write_text("1\n2\n")


def link(path: Path) -> None:
    path.with_name("precious").write_text("1\n")
    path.symlink_to("precious")


def dangling_link(path: Path) -> None:
    path.symlink_to("nothing")


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def null(path: Path) -> None:
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))


@pytest.mark.parametrize(
    "make", [text, numbers, link, dangling_link, folder, fifo, pytest.param(null, marks=pytest.mark.needs_root)]
)
def test_anything_else_is_refused_and_untouched(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = {entry.name: entry.lstat() for entry in path.parent.iterdir()}
    content = path.read_bytes() if path.is_file() else b""
    nodev = make is null and os.statvfs(path.parent).f_flag & os.ST_NODEV  # where no device can be opened at all
    reason = ": Permission denied" if nodev else " is not a pid file: left as it is"
    with pytest.raises(UdsdError, match=f"{path}{reason}") as refused:
        PidFile(str(path))
    assert refused.value.status == os.EX_CANTCREAT
    after = {entry.name: entry.lstat() for entry in path.parent.iterdir()}
    assert [(name, *found[:7], found.st_mtime_ns) for name, found in after.items()] == [
        (name, *found[:7], found.st_mtime_ns) for name, found in before.items()
    ]
    assert not content or path.read_bytes() == content


def test_a_socket_is_refused_and_untouched(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(path))
        with pytest.raises(UdsdError) as refused:
            PidFile(str(path))
    assert refused.value.status == os.EX_CANTCREAT
    assert path.is_socket()


def test_without_its_folder_it_says_so(path: Path) -> None:
    with pytest.raises(UdsdError, match="No such file or directory") as refused:
        PidFile(str(path / "nowhere" / "udsd.pid"))
    assert (refused.value.status, refused.value.hint) == (
        os.EX_CANTCREAT,
        "its directory must exist, and be writable for the user who runs udsd",
    )


def test_no_room_is_an_error_with_the_path(path: Path) -> None:
    ours = PidFile(str(path))
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, ours.descriptor)
    with pytest.raises(UdsdError, match=f"{path}: No space left on device"):
        ours.write()
    os.close(full)
    os.close(ours.descriptor)


def test_when_somebody_has_removed_it_there_is_nothing_to_remove(path: Path) -> None:
    ours = PidFile(str(path))
    path.unlink()
    ours.remove()
    assert not path.exists()


def test_the_one_that_is_in_its_place_now_stays(path: Path) -> None:
    ours = PidFile(str(path))
    path.unlink()
    theirs = PidFile(str(path))
    theirs.write()
    ours.remove()
    assert path.read_text() == f"{os.getpid()}\n"
    theirs.remove()
