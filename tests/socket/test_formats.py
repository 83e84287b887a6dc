"""The formats, end to end: what a process sends, and which entry journald sees."""

import array
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.socket.daemons import PID, Daemon, Journald, Start, open_files, sender
from udsd.journal.entry import Field, decode_entry

FORMATS = ("auto", "json", "native", "raw", "syslog")
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
LARGE = 5 << 20

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Where the sockets of the formats are, which every user reaches."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    return {form: tmp_path / f"{form}.sock" for form in FORMATS}


@pytest.fixture
def daemon(start: Start, paths: dict[str, Path], journald: Journald) -> Daemon:
    """One that listens in every format, and whose descriptors are counted by `descriptors`."""
    words = [word for form, path in paths.items() for word in ("--listen", f"{form}:{path}")]
    return start(*words, "--sink=journal", journald=journald.path.parent)


@contextmanager
def memfd(content: bytes, seals: int = SEALS) -> Iterator[int]:
    descriptor = os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield descriptor
    finally:
        os.close(descriptor)


def attach(client: socket.socket, *descriptors: int, payload: bytes = b"") -> None:
    client.sendmsg([payload], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


def stored(journald: Journald) -> list[Field]:
    """The fields of the next entry that is one of a datagram."""
    while True:
        data, descriptors = journald.datagram()
        for descriptor in descriptors:
            with open(descriptor, "rb") as file:
                file.seek(0)
                data = file.read()
        fields = list(decode_entry(data))
        if "OBJECT_UID" in dict(fields):
            return fields


def last_words(journald: Journald) -> dict[str, bytes]:
    """The entry with which udsd ends."""
    while True:
        entry = journald.entry()
        if entry["MESSAGE"].startswith(b"stopped by "):
            return entry


def said(fields: list[Field]) -> list[Field]:
    """What comes from the datagram, and not from the kernel."""
    pid = ("SYSLOG_PID", b"%d" % os.getpid())
    ours = (PID, "UDSD_SOCKET")
    return [field for field in fields if not field[0].startswith("OBJECT_") and field[0] not in ours and field != pid]


def descriptors(pid: int) -> list[str]:
    """What the daemon has open once it has delivered something, less the pidfds of its senders."""
    return [link for link in open_files(pid) if "pidfd" not in link]


COMM = ("SYSLOG_IDENTIFIER", Path("/proc/self/comm").read_bytes().rstrip(b"\n"))

# A format, a datagram, and the fields that are not the kernel's.
DATAGRAMS: list[tuple[str, bytes, list[Field]]] = [
    ("raw", b"<3>app[7]: x\n", [("PRIORITY", b"6"), ("MESSAGE", b"<3>app[7]: x"), COMM]),
    ("auto", b"x\n", [("PRIORITY", b"6"), ("MESSAGE", b"x"), COMM]),
    (
        "auto",
        b"<11>app[7]: x",
        [
            *(("PRIORITY", b"3"), ("SYSLOG_FACILITY", b"1"), ("SYSLOG_IDENTIFIER", b"app"), ("SYSLOG_PID", b"7")),
            ("MESSAGE", b"x"),
        ],
    ),
    ("auto", b"<3>x", [("PRIORITY", b"3"), ("MESSAGE", b"x"), COMM]),
    ("syslog", b"<11>x", [("PRIORITY", b"3"), ("SYSLOG_FACILITY", b"1"), ("MESSAGE", b"x"), COMM]),
    (
        "syslog",
        b'<11>1 - - app - - [journal@0 CODE_FILE="a.c"] two\nlines',
        [
            *(("PRIORITY", b"3"), ("SYSLOG_FACILITY", b"1"), ("SYSLOG_IDENTIFIER", b"app"), ("CODE_FILE", b"a.c")),
            ("MESSAGE", b"two\nlines"),
        ],
    ),
    ("json", b'{"level":"warn","msg":"x","a":{"b":1}}\n', [("PRIORITY", b"4"), ("A_B", b"1"), ("MESSAGE", b"x"), COMM]),
    (
        "json",
        b'{"syslog_identifier":"app","msg":"x"}',
        [("PRIORITY", b"6"), ("SYSLOG_IDENTIFIER", b"app"), ("MESSAGE", b"x")],
    ),
    ("native", b"MESSAGE=x\nA=b\nA=c\n", [("MESSAGE", b"x"), ("A", b"b"), ("A", b"c"), COMM]),
    ("native", b"SYSLOG_IDENTIFIER=app\nMESSAGE=x\n", [("SYSLOG_IDENTIFIER", b"app"), ("MESSAGE", b"x")]),
    (
        "native",
        b"MESSAGE=x\nOBJECT_PID=1\n_UID=0\n",
        [("MESSAGE", b"x"), ("UDSD_DROPPED_FIELDS", b"2"), COMM],
    ),
    (
        "native",
        b"hello\n",
        [
            *(("PRIORITY", b"6"), ("MESSAGE", b"hello")),
            *(("UDSD_MALFORMED", b"ends within a field: the one at byte 0"), COMM),
        ],
    ),
    ("json", b"[1]", [("PRIORITY", b"6"), ("MESSAGE", b"[1]"), ("UDSD_MALFORMED", b"not a JSON object"), COMM]),
    (
        "syslog",
        b"hello",
        [
            *(("PRIORITY", b"6"), ("MESSAGE", b"hello")),
            *(("UDSD_MALFORMED", b"no priority: a syslog message opens with <N>, N from 0 to 191"), COMM),
        ],
    ),
]


@pytest.mark.needs_root
def test_each_socket_has_a_format_of_its_own(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    for form, datagram, fields in DATAGRAMS:
        with sender(paths[form]) as client:
            client.send(datagram)
        entry = stored(journald)
        assert said(entry) == fields, datagram
        assert dict(entry)["UDSD_SOCKET"] == str(paths[form]).encode()
        assert dict(entry)[PID] == b"%d" % os.getpid()
        assert [name for name, _ in entry].count("SYSLOG_IDENTIFIER") == 1


@pytest.mark.needs_root
def test_what_is_wrong_is_counted(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    wrong = {"json": b"[1]", "native": b"x", "syslog": b"x"}
    for form, datagram in wrong.items():
        with sender(paths[form]) as client:
            client.send(datagram)
            stored(journald)
    with sender(paths["native"]) as client:
        client.send(b"MESSAGE=x\nOBJECT_PID=1\n_UID=0\n")
        stored(journald)
        client.send(b"MESSAGE=x\nUNIT=1\n")
        stored(journald)
    with sender(paths["auto"]) as client:
        client.send(b"DONE")
    words = last_words(journald)
    counted = b"received 6, stored 5, empty 0, DONE obeyed 1, malformed 3, fields dropped 3"
    assert words["MESSAGE"].endswith(counted)
    assert (words["UDSD_MALFORMED_DATAGRAMS"], words["UDSD_DROPPED_FIELDS"]) == (b"3", b"3")
    assert words["UDSD_MALFORMED_NOT_A_JSON_OBJECT"] == b"1"
    assert words["UDSD_MALFORMED_NO_PRIORITY"] == b"1"
    assert words["UDSD_MALFORMED_ENDS_WITHIN_A_FIELD"] == b"1"
    assert daemon.end()[0] == 0


@pytest.mark.needs_root
def test_done_and_nothing_mean_in_every_format_what_they_mean(
    start: Start, paths: dict[str, Path], journald: Journald
) -> None:
    for form, path in paths.items():
        daemon = start("--listen", f"{form}:{path}", "--sink=journal", journald=journald.path.parent)
        with sender(path) as client:
            client.send(b"")
            client.send(b"DONE\n")
        assert last_words(journald)["MESSAGE"].endswith(b"received 2, stored 0, empty 1, DONE obeyed 1")
        assert daemon.end()[0] == 0


@pytest.mark.needs_root
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("payload", [b"", b"with a payload"])
def test_no_format_takes_descriptors(
    daemon: Daemon, paths: dict[str, Path], journald: Journald, form: str, payload: bytes
) -> None:
    with sender(paths["raw"]) as client:
        client.send(b"first")
        stored(journald)
        before = descriptors(daemon.pid)
    with sender(paths[form]) as client, memfd(b"MESSAGE=x\n") as descriptor:
        with suppress(PermissionError):  # the kernel's answer, from Linux 6.16 on
            attach(client, *[descriptor] * 253, payload=payload)
            entry = dict(stored(journald))
            assert (entry["MESSAGE"], entry["UDSD_SENDER_UNPROVEN"]) == (payload, b"1")
            assert entry["UDSD_MALFORMED"] in (b"descriptor refused", b"not JSON: x", b"no priority: x")
        client.send(b"last")
        assert dict(stored(journald))["MESSAGE"] == b"last"
    assert descriptors(daemon.pid) == before
