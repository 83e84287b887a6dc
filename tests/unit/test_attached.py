"""Entries in descriptors: which descriptors are read, and that nothing is left of them. All of them are real."""

import errno
import fcntl
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from udsd.formats.flaw import FlawError
from udsd.receive import attached

ENTRY = b"MESSAGE=hello\n"
USER = 1000
SHRINK, GROW, WRITE, SEAL = fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SEAL
FOLDERS = [Path("/dev/shm"), Path("/tmp"), Path("/var/tmp")]
LARGEST = attached.LARGEST

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=str)
each_user = pytest.mark.parametrize("uid", [0, USER, 65534, None])


@pytest.fixture(autouse=True)
def _no_descriptor_is_left() -> Iterator[None]:
    before = os.listdir("/proc/self/fd")
    yield
    assert os.listdir("/proc/self/fd") == before


@pytest.fixture
def opened() -> Iterator[list[int]]:
    """Descriptors that are closed when the test is over."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


Make = Callable[..., int]


@pytest.fixture
def memfd(opened: list[int]) -> Make:
    """A memfd with this in it, and with these seals."""

    def make(content: bytes = ENTRY, seals: int = SHRINK | GROW | WRITE | SEAL, name: str = "journal-entry") -> int:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        opened.append(descriptor)
        os.write(descriptor, content)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        return descriptor

    return make


@pytest.fixture
def file(opened: list[int]) -> Iterator[Make]:
    """A file in this folder, deleted at the end of the test or at once."""
    paths: list[str] = []

    def make(folder: Path, content: bytes = ENTRY, *, deleted: bool = False, flags: int = os.O_RDONLY) -> int:
        created, path = tempfile.mkstemp(dir=folder, prefix="udsd-test-")
        paths.append(path)
        os.write(created, content)
        os.close(created)
        opened.append(os.open(path, flags))
        if deleted:
            os.unlink(path)
        return opened[-1]

    yield make
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the file system of /tmp, and not /tmp itself."""
    return tmp_path


def refused(descriptor: int, uid: int | None) -> str:
    """Why a descriptor is refused, as the entry has it."""
    with pytest.raises(FlawError) as raised:
        attached.read(descriptor, uid)
    assert raised.value.kind == "descriptor refused"
    fields = dict(raised.value.fields)
    assert fields.keys() == {"PRIORITY", "MESSAGE", "UDSD_MALFORMED"}
    assert fields["MESSAGE"] == b""
    return fields["UDSD_MALFORMED"].decode().removeprefix("descriptor refused: ")


@each_user
@pytest.mark.parametrize("content", [b"", b"x", ENTRY, b"\0" * 3_000_000], ids=["empty", "a byte", "entry", "large"])
def test_a_sealed_memfd_is_read(memfd: Make, uid: int | None, content: bytes) -> None:
    assert attached.read(memfd(content), uid) == content


@pytest.mark.parametrize(
    "seals",
    [0, SEAL, SHRINK | GROW, SHRINK | WRITE, GROW | WRITE, GROW | WRITE | SEAL],
    ids=lambda seals: f"{seals:#x}",
)
def test_a_memfd_that_can_still_change_is_refused(memfd: Make, seals: int) -> None:
    descriptor = memfd(seals=seals)
    assert refused(descriptor, USER) == "neither sealed nor in /dev/shm, /tmp or /var/tmp"
    assert refused(descriptor, None) == "neither sealed nor in /dev/shm, /tmp or /var/tmp"
    assert attached.read(descriptor, 0) == ENTRY


@pytest.mark.parametrize("name", ["/dev/shm/x", "../tmp/x", " (deleted)", "tmp/x"])
def test_the_name_of_a_memfd_is_no_place(memfd: Make, name: str) -> None:
    assert "neither sealed nor in" in refused(memfd(seals=0, name=name), USER)


@each_folder
@each_user
@pytest.mark.parametrize("deleted", [False, True], ids=["there", "deleted"])
def test_a_file_in_a_folder_of_journalds_is_read(file: Make, folder: Path, uid: int | None, deleted: bool) -> None:
    assert attached.read(file(folder, deleted=deleted), uid) == ENTRY


@each_folder
@pytest.mark.parametrize("deleted", [False, True], ids=["there", "deleted"])
def test_a_file_in_a_folder_below_is_refused(file: Make, folder: Path, deleted: bool) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as below:
        descriptor = file(Path(below), deleted=deleted)
        assert refused(descriptor, USER) == "neither sealed nor in /dev/shm, /tmp or /var/tmp"
        assert attached.read(descriptor, 0) == ENTRY


def test_a_folder_whose_name_begins_like_one_of_journalds_is_none(file: Make) -> None:
    with tempfile.TemporaryDirectory(dir="/", prefix="tmp (deleted)") as folder:
        assert "neither sealed nor in" in refused(file(Path(folder)), USER)


def test_a_file_without_a_name_is_read_where_it_is_in_a_folder_of_journalds(opened: list[int]) -> None:
    opened.append(os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR))
    os.write(opened[-1], ENTRY)
    assert attached.read(opened[-1], USER) == ENTRY


@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled", "/etc/passwd"]
)
def test_a_file_elsewhere_is_refused(opened: list[int], path: str) -> None:
    if not os.path.exists(path):
        pytest.skip(f"no {path} here")
    opened.append(os.open(path, os.O_RDONLY))
    assert refused(opened[-1], USER) == "neither sealed nor in /dev/shm, /tmp or /var/tmp"


def test_a_file_of_proc_has_no_size_and_so_nothing_in_it_for_root(opened: list[int]) -> None:
    opened.append(os.open("/proc/self/environ", os.O_RDONLY))
    assert attached.read(opened[-1], 0) == b""


@each_user
def test_what_is_not_in_memory_is_not_read_again_by_the_run_after_one_that_ended(
    opened: list[int], memfd: Make, uid: int | None
) -> None:
    opened.append(os.open("/proc/self/environ", os.O_RDONLY))  # /tmp may be in memory
    with pytest.raises(FlawError) as raised:
        attached.read(opened[-1], uid, again=True)
    assert dict(raised.value.fields)["UDSD_MALFORMED"].endswith(b"the run before may have ended over it")
    assert attached.read(memfd(), uid, again=True) == ENTRY


def test_a_file_in_memory_is_read_also_from_a_mount_of_the_senders_own(
    memfd: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udsd.receive.attached.os.readlink", lambda _: "/tmp/entry")
    assert attached.read(memfd(seals=0), USER) == ENTRY


@each_user
def test_what_is_no_file_is_refused(opened: list[int], uid: int | None) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        ours = [*os.pipe(), os.open("/tmp", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY), os.pidfd_open(os.getpid())]
        opened += ours
        for descriptor in (*ours, connection.fileno()):
            reason = refused(descriptor, uid)
            assert reason == ("not a regular file" if uid == 0 else "neither sealed nor in /dev/shm, /tmp or /var/tmp")


def test_a_fifo_in_a_folder_of_journalds_is_refused_and_not_waited_for(opened: list[int]) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        opened.append(os.open(fifo, os.O_RDWR))
        assert refused(opened[-1], 0) == "not a regular file"


@each_user
@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_PATH], ids=["O_WRONLY", "O_PATH"])
def test_what_cannot_be_read_is_refused(file: Make, uid: int | None, flags: int) -> None:
    assert refused(file(Path("/dev/shm"), flags=flags), uid) == os.strerror(errno.EBADF)
    assert refused(file(Path("/tmp"), flags=flags), uid) == os.strerror(errno.EBADF)


@each_user
def test_a_file_that_is_too_large_is_refused(file: Make, uid: int | None) -> None:
    descriptor = file(Path("/dev/shm"), b"", flags=os.O_RDWR)
    os.ftruncate(descriptor, LARGEST + 1)
    assert refused(descriptor, uid) == f"{LARGEST + 1} bytes, more than {LARGEST}"
    os.ftruncate(descriptor, 1 << 60)
    assert refused(descriptor, uid) == f"{1 << 60} bytes, more than {LARGEST}"


def test_a_file_that_is_just_not_too_large_is_read(memfd: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST == 64 << 20
    monkeypatch.setattr("udsd.receive.attached.LARGEST", 100_000)
    assert attached.read(memfd(b"x" * 100_000), USER) == b"x" * 100_000
    assert refused(memfd(b"x" * 100_001), USER) == "100001 bytes, more than 100000"


def test_the_senders_place_in_the_file_is_not_moved(memfd: Make, file: Make) -> None:
    for descriptor in (memfd(), file(Path("/tmp"))):
        os.lseek(descriptor, 3, os.SEEK_SET)
        assert attached.read(descriptor, USER) == ENTRY
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 3


def test_a_file_that_shrinks_meanwhile_is_read_as_far_as_it_goes(file: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor, pread = file(Path("/dev/shm"), b"x" * 10_000, flags=os.O_RDWR), os.pread

    def shrinking(of: int, size: int, at: int) -> bytes:
        part = pread(of, min(size, 1000), at)
        os.ftruncate(of, 2500)
        return part

    monkeypatch.setattr("udsd.receive.attached.os.pread", shrinking)
    assert attached.read(descriptor, USER) == b"x" * 2500


def test_a_file_elsewhere_on_the_same_file_system_is_refused(file: Make, elsewhere: Path) -> None:
    assert refused(file(elsewhere), USER) == "neither sealed nor in /dev/shm, /tmp or /var/tmp"


def test_a_file_that_has_moved_there_is_read(file: Make, elsewhere: Path) -> None:
    descriptor = file(elsewhere)
    moved = f"/tmp/udsd-test-moved-{os.getpid()}"
    os.rename(os.readlink(f"/proc/self/fd/{descriptor}"), moved)
    try:
        assert attached.read(descriptor, USER) == ENTRY
    finally:
        os.unlink(moved)
