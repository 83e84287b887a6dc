"""The formats, end to end: what a process sends, and which entry journald sees."""

import array
import errno
import fcntl
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.socket.daemons import Daemon, Journald, Start, open_files, send_until_full, sender
from udsd.formats import named
from udsd.journal.entry import Field, decode, encode
from udsd.receive.receiver import Inbox, unbound
from udsd.senders.process import CgroupPaths
from udsd.senders.registry import Senders

FORMATS = ("auto", "json", "native", "raw", "syslog")
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
LARGE = 5 << 20

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# Sends the standard input of this process as an entry in a descriptor.
SEND_DESCRIPTOR = """
import array, socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
client.connect(sys.argv[1])
client.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
"""


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


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with unbound() as receiver:
        receiver.bind(str(tmp_path / "native"))
        yield Inbox(receiver, named("native"))


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
        fields = list(decode(data))
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
    return [(name, value) for name, value in fields if not name.startswith("OBJECT_") and name != "UDSD_SOCKET"]


def descriptors(pid: int) -> list[str]:
    """What the daemon has open once it has delivered something, less the pidfds of its senders."""
    return [link for link in open_files(pid) if "pidfd" not in link]


def bytes_read(pid: int) -> int:
    """By read(2) and its like; receiving is not among them (proc_pid_io(5))."""
    return int(re.findall(r"rchar: (\d+)", Path(f"/proc/{pid}/io").read_text())[0])


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
            *(("UDSD_MALFORMED", b"no priority: a datagram of syslog opens with <N>, N being 0 to 191"), COMM),
        ],
    ),
]


def test_each_socket_has_a_format_of_its_own(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    for form, datagram, fields in DATAGRAMS:
        with sender(paths[form]) as client:
            client.send(datagram)
        entry = stored(journald)
        assert said(entry) == fields, datagram
        assert dict(entry)["UDSD_SOCKET"] == str(paths[form]).encode()
        assert dict(entry)["OBJECT_PID"] == b"%d" % os.getpid()
        assert [name for name, _ in entry].count("SYSLOG_IDENTIFIER") == 1


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
    counted = b"received 6, stored 5, empty 0, refused 0, stops 1, malformed datagrams 3, dropped fields 3"
    assert words["MESSAGE"].endswith(counted)
    assert (words["UDSD_MALFORMED_DATAGRAMS"], words["UDSD_DROPPED_FIELDS"]) == (b"3", b"3")
    assert words["UDSD_MALFORMED_NOT_A_JSON_OBJECT"] == b"1"
    assert words["UDSD_MALFORMED_NO_PRIORITY"] == b"1"
    assert words["UDSD_MALFORMED_ENDS_WITHIN_A_FIELD"] == b"1"
    assert daemon.end()[0] == 0


def test_done_and_nothing_mean_in_every_format_what_they_mean(
    start: Start, paths: dict[str, Path], journald: Journald
) -> None:
    for form, path in paths.items():
        daemon = start("--listen", f"{form}:{path}", "--sink=journal", journald=journald.path.parent)
        with sender(path) as client:
            client.send(b"")
            client.send(b"DONE\n")
        assert last_words(journald)["MESSAGE"].endswith(b"received 2, stored 0, empty 1, refused 0, stops 1")
        assert daemon.end()[0] == 0


def test_an_entry_may_come_in_a_descriptor(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    fields = [("MESSAGE", os.urandom(LARGE)), ("SYSLOG_IDENTIFIER", b"app"), ("A", b"b")]
    with sender(paths["native"]) as client:
        client.send(b"MESSAGE=first\n")
        stored(journald)
        before = descriptors(daemon.pid)
        for _ in range(3):
            with memfd(encode(fields)) as descriptor:
                attach(client, descriptor)
            assert said(stored(journald)) == fields
        client.send(b"MESSAGE=last\n")
        assert said(stored(journald))[0] == ("MESSAGE", b"last")
        assert descriptors(daemon.pid) == before


def test_the_sender_of_a_descriptor_may_have_ended(paths: dict[str, Path], daemon: Daemon, journald: Journald) -> None:
    with daemon.frozen(), memfd(b"MESSAGE=x\n") as descriptor:
        subprocess.run([sys.executable, "-c", SEND_DESCRIPTOR, paths["native"]], stdin=descriptor, check=True)
    entry = dict(stored(journald))
    assert (entry["MESSAGE"], entry["OBJECT_UID"]) == (b"x", b"0")


@pytest.mark.parametrize(("seals", "is_read"), [(SEALS, True), (0, False)], ids=["sealed", "not sealed"])
def test_a_descriptor_of_another_user_must_be_sealed(
    daemon: Daemon, paths: dict[str, Path], journald: Journald, seals: int, is_read: bool
) -> None:
    with memfd(b"MESSAGE=x\n", seals) as descriptor:
        words = [*AS_NOBODY, sys.executable, "-c", SEND_DESCRIPTOR, str(paths["native"])]
        subprocess.run(words, stdin=descriptor, check=True)
    entry = dict(stored(journald))
    assert entry["OBJECT_UID"] == b"65534"
    assert entry["MESSAGE"] == (b"x" if is_read else b"")
    told = b"descriptor refused: neither sealed nor in /dev/shm, /tmp or /var/tmp"
    assert entry.get("UDSD_MALFORMED") == (None if is_read else told)


def test_what_a_descriptor_holds_may_be_malformed(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    with sender(paths["native"]) as client:
        for content, told in ((b"hello\n", b"ends within a field: the one at byte 0"), (b"", b"no fields")):
            with memfd(content) as descriptor:
                attach(client, descriptor)
            entry = dict(stored(journald))
            assert (entry["MESSAGE"], entry["UDSD_MALFORMED"]) == (content.rstrip(b"\n"), told)


def test_several_descriptors_are_refused(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    with sender(paths["native"]) as client, memfd(b"MESSAGE=x\n") as descriptor:
        client.send(b"MESSAGE=first\n")
        stored(journald)
        before = descriptors(daemon.pid)
        for number in (2, 3, 253):
            attach(client, *[descriptor] * number)
            entry = dict(stored(journald))
            assert (entry["MESSAGE"], entry["UDSD_MALFORMED"]) == (
                b"",
                b"descriptor refused: not the only one, or withheld by the kernel",
            )
        attach(client, descriptor)
        assert dict(stored(journald))["MESSAGE"] == b"x"
        assert descriptors(daemon.pid) == before


def test_a_descriptor_beside_a_payload_is_not_taken(daemon: Daemon, paths: dict[str, Path], journald: Journald) -> None:
    with sender(paths["native"]) as client, memfd(b"MESSAGE=not this\n") as descriptor:
        client.send(b"MESSAGE=first\n")
        stored(journald)
        before = descriptors(daemon.pid)
        attach(client, descriptor, payload=b"MESSAGE=this\n")
        attach(client, *[descriptor] * 253, payload=b"MESSAGE=and this\n")
        client.send(b"")  # which carries nothing, whatever the one before it did
        client.send(b"MESSAGE=last\n")
        assert [dict(stored(journald))["MESSAGE"] for _ in range(3)] == [b"this", b"and this", b"last"]
        assert descriptors(daemon.pid) == before


@pytest.mark.parametrize("form", ["auto", "json", "raw", "syslog"])
def test_no_other_format_takes_descriptors(
    daemon: Daemon, paths: dict[str, Path], journald: Journald, form: str
) -> None:
    with sender(paths[form]) as client, memfd(b"MESSAGE=x\n") as descriptor:
        client.send(b"first")
        stored(journald)
        before = descriptors(daemon.pid)
        for payload in (b"", b"with a payload"):
            with suppress(PermissionError):  # the kernel's answer, from Linux 6.16 on
                attach(client, descriptor, payload=payload)
                assert payload == b"" or dict(stored(journald))["MESSAGE"] == payload
        client.send(b"last")
        assert dict(stored(journald))["MESSAGE"] == b"last"
        assert descriptors(daemon.pid) == before


def test_a_descriptor_waits_in_its_queue_while_journald_is_full(
    daemon: Daemon, paths: dict[str, Path], journald: Journald
) -> None:
    with sender(paths["raw"]) as raw, sender(paths["native"]) as native:
        raw.send(b"first")
        stored(journald)
        before = descriptors(daemon.pid)
        sent = send_until_full(raw)
        daemon.until("STATUS=waiting for journald (its queue is full)")
        contents = [b"MESSAGE=in a descriptor, %d\n" % number for number in range(5)]
        for content in contents:
            with memfd(content) as descriptor:
                attach(native, descriptor)
        was_read = bytes_read(daemon.pid)
        time.sleep(0.3)
        assert (bytes_read(daemon.pid), descriptors(daemon.pid)) == (was_read, before)
        found = [dict(stored(journald)) for _ in range(sent + len(contents))]
        by_socket: dict[str, list[bytes]] = {str(path): [] for path in paths.values()}
        for entry in found:
            by_socket[entry["UDSD_SOCKET"].decode()].append(entry["MESSAGE"])
        assert by_socket[str(paths["raw"])] == [b"%d" % number for number in range(sent)]
        assert by_socket[str(paths["native"])] == [content[8:-1] for content in contents]
        assert descriptors(daemon.pid) == before


def test_a_descriptor_is_not_lost_with_the_daemon(start: Start, paths: dict[str, Path], journald: Journald) -> None:
    daemon = start("--listen", f"native:{paths['native']}", "--sink=journal", journald=journald.path.parent)
    with sender(paths["native"]) as client:
        with daemon.frozen():
            for number in range(3):
                with memfd(b"MESSAGE=%d\n" % number) as descriptor:
                    attach(client, descriptor)
            daemon.process.send_signal(signal.SIGTERM)
        assert [dict(stored(journald))["MESSAGE"] for _ in range(3)] == [b"0", b"1", b"2"]
    assert b"received 3, stored 3, empty 0" in last_words(journald)["MESSAGE"]
    assert daemon.end()[0] == 0


@pytest.mark.parametrize("missing", [[], ["_SO_PASSRIGHTS"], ["_SO_PASSRIGHTS", "_SO_PASSPIDFD"]], ids=len)
def test_kernels_of_all_ages_hand_out_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    for option in missing:
        monkeypatch.setattr(f"udsd.inbox.{option}", 9999)  # as on a kernel that does not have it
    with unbound() as receiver, memfd(b"MESSAGE=x\n") as descriptor:
        receiver.bind(str(tmp_path / "socket"))
        inbox = Inbox(receiver, named("native"))
        senders = Senders(inbox, CgroupPaths())
        with sender(inbox.name) as client:
            client.send(b"x")
            peeked(inbox, b"", senders, consume=True, payload=b"x")
            before = len(os.listdir("/proc/self/fd"))
            attach(client, descriptor)
            attach(client, descriptor, descriptor)
            client.send(b"")
            peeked(inbox, b"MESSAGE=x\n", senders)
            peeked(inbox, b"MESSAGE=x\n", Senders(inbox, CgroupPaths()), consume=True)
            peeked(inbox, None, senders, consume=True)
            assert peeked(inbox, b"", senders, consume=True) is False
            assert len(os.listdir("/proc/self/fd")) <= before + 1  # the pidfd of the second table


def peeked(
    inbox: Inbox, content: bytes | None, senders: Senders, *, consume: bool = False, payload: bytes = b""
) -> bool:
    """Look at a datagram as the daemon does; whether it carries descriptors. `content`: of one; None: of several."""
    datagram = inbox.peek()
    assert datagram is not None
    assert datagram[0] == payload
    told = dict(decode(senders.identify(datagram[1], 0.0).entry))
    assert (told["OBJECT_PID"], told["OBJECT_COMM"]) == (b"%d" % os.getpid(), COMM[1])
    carries = not payload and inbox.carries_descriptor
    if carries:
        descriptor = inbox.peek_descriptor()
        assert (descriptor is None) is (content is None)
        if descriptor is not None:
            assert not os.get_inheritable(descriptor)
            with open(descriptor, "rb") as file:
                file.seek(0)
                assert file.read() == content
    if consume:
        inbox.consume()
    return carries


def test_a_descriptor_for_which_there_is_no_room_stays_where_it_is(inbox: Inbox) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with sender(inbox.name) as client, memfd(b"MESSAGE=x\n") as descriptor:
        attach(client, descriptor)
        assert inbox.peek() is not None
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor + 1, before[1]))
            with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                inbox.peek_descriptor()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        taken = inbox.peek_descriptor()
        assert taken is not None
        os.close(taken)
