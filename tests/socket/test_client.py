"""The Python API `udsd.client` on real sockets: what it sends, and what it does where it cannot."""

import enum
import gc
import os
import signal
import socket
import syslog
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import until_asleep
from tests.socket.receiver import Program, Receiver, without
from tests.socket.threads import at_once, each, lasts
from udsd.client import Client
from udsd.connection import Connection
from udsd.errors import BadPathError, NobodyListensError, NotAllowedError, QueueFullError, SendError, UdsdError

PRIORITY = ("PRIORITY", b"6")
FACILITY = ("SYSLOG_FACILITY", b"1")

# What a caller can tell apart by class; all else is an UdsdError and no more.
CLASSES = {
    os.EX_TEMPFAIL: QueueFullError,
    os.EX_UNAVAILABLE: NobodyListensError,
    os.EX_USAGE: BadPathError,
    os.EX_NOPERM: NotAllowedError,
}

# Sends one message and tells how that went.
ONE = """
import sys
from udsd.client import Client
from udsd.errors import UdsdError
client = Client(sys.argv[1], None if sys.argv[2] == "None" else float(sys.argv[2]))
print("ready", flush=True)
try:
    client.send("hello")
except UdsdError as error:
    print(error.status, type(error).__name__)
"""

# Sends 20 messages at once.
MANY = """
import sys, threading
from udsd.client import Client
client = Client(sys.argv[1], 30)
threads = [threading.Thread(target=client.send, args=(f"{number}",)) for number in range(20)]
for thread in threads:
    thread.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
"""


class Level(enum.IntEnum):
    BAD = 3


class Unit:
    def __str__(self) -> str:
        return "a unit"


@pytest.fixture
def receiver(path: Path) -> Iterator[Receiver]:
    there = Receiver(path)
    yield there
    there.close()


@pytest.fixture
def client(path: Path) -> Iterator[Client]:
    with Client(str(path), SECONDS) as there:
        yield there


def fails(client: Client, status: int, message: str | bytes = "hello") -> str:
    with pytest.raises(UdsdError) as caught:
        client.send(message)
    assert caught.value.status == status
    assert type(caught.value) is CLASSES.get(status, SendError)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno
    assert caught.value.hint in str(caught.value)
    return caught.value.message


def descriptors() -> set[str]:
    gc.collect()  # an exception that a test has caught holds what it was raised in
    return set(os.listdir("/proc/self/fd"))


def all_asleep(pid: int, threads: int) -> None:
    """Wait until a process has so many threads, and all of them wait for something."""
    deadline = time.monotonic() + SECONDS
    states: list[str] = []
    while states != ["S"] * threads:
        assert time.monotonic() < deadline
        tasks = Path(f"/proc/{pid}/task").glob("*/stat")
        states = [task.read_text().rpartition(")")[2].split()[0] for task in tasks]


# What is sent


SENT: dict[str, tuple[str | bytes, dict[str, Any], list[tuple[str, bytes]]]] = {
    "a message": ("hello", {}, [("MESSAGE", b"hello")]),
    "bytes": (b"\xff\0", {}, [("MESSAGE", b"\xff\0")]),
    "an empty message": ("", {}, [("MESSAGE", b"")]),
    "text": ("ä€𝄞\ntwo", {}, [("MESSAGE", "ä€𝄞\ntwo".encode())]),
    "smuggled bytes": ("caf\udce9", {}, [("MESSAGE", b"caf\xe9")]),
    "a lone surrogate": ("\ud800 \udce9", {}, [("MESSAGE", rb"\ud800 \udce9")]),
    "what looks like syslog": ("<3>hello", {}, [("MESSAGE", b"<3>hello")]),
    "what looks like JSON": ('{"PRIORITY": 0}', {}, [("MESSAGE", b'{"PRIORITY": 0}')]),
    "DONE": ("DONE", {}, [("MESSAGE", b"DONE")]),
    "an identifier": ("x", {"identifier": "app"}, [("SYSLOG_IDENTIFIER", b"app"), ("MESSAGE", b"x")]),
    "a long one": ("x", {"identifier": "my ä" * 30}, [("SYSLOG_IDENTIFIER", "my ä".encode() * 30), ("MESSAGE", b"x")]),
    "an identifier of bytes": ("x", {"identifier": b"a\xff"}, [("SYSLOG_IDENTIFIER", b"a\xff"), ("MESSAGE", b"x")]),
    "an empty one": ("x", {"identifier": ""}, [("MESSAGE", b"x")]),
    "fields": (
        "x",
        {"MESSAGE_ID": "ab", "user": "joe", "n": 3, "f": 1.5, "b": b"\xff", "none": None, "own": Unit()},
        [
            *(("MESSAGE_ID", b"ab"), ("USER", b"joe"), ("N", b"3"), ("F", b"1.5"), ("B", b"\xff"), ("NONE", b"None")),
            *(("OWN", b"a unit"), ("MESSAGE", b"x")),
        ],
    ),
    "several values": (
        "x",
        {"a": [1, b"2"], "t": ("x",), "none": [], "A": "3"},
        [("A", b"1"), ("A", b"2"), ("T", b"x"), ("A_2", b"3"), ("MESSAGE", b"x")],
    ),
    "names that are taken": (
        "x",
        {"message": "1", "PRIORITY": "2", "_uid": "0", "self": "s", "syslog_pid": "7", "unit": "u"},
        [
            *(("MESSAGE_2", b"1"), ("PRIORITY_2", b"2"), ("UID", b"0"), ("SELF", b"s"), ("SYSLOG_PID_2", b"7")),
            *(("X_UNIT", b"u"), ("MESSAGE", b"x")),
        ],
    ),
    "values with what has a meaning": ("x", {"a": 'q"]\\\n b="c'}, [("A", b'q"]\\\n b="c'), ("MESSAGE", b"x")]),
}


@pytest.mark.parametrize(("message", "words", "fields"), SENT.values(), ids=SENT)
def test_what_is_sent_is_read_as(
    message: str | bytes, words: dict[str, Any], fields: list[tuple[str, bytes]], client: Client, receiver: Receiver
) -> None:
    client.send(message, **words)
    found = receiver.fields()
    assert without(found, "PRIORITY", "SYSLOG_FACILITY") == fields
    assert {PRIORITY, FACILITY} < set(found)


@pytest.mark.parametrize(
    ("words", "priority", "facility"),
    [
        ({"priority": 0}, b"0", b"1"),
        ({"priority": 7, "facility": 23}, b"7", b"23"),
        ({"priority": syslog.LOG_ERR, "facility": syslog.LOG_DAEMON >> 3}, b"3", b"3"),
        ({"priority": Level.BAD}, b"3", b"1"),
    ],
)
def test_priority_and_facility(
    words: dict[str, int], priority: bytes, facility: bytes, client: Client, receiver: Receiver
) -> None:
    client.send("x", **words)  # type: ignore[arg-type]
    entry = receiver.entry()
    assert (entry["PRIORITY"], entry["SYSLOG_FACILITY"]) == (priority, facility)


@pytest.mark.parametrize(
    ("message", "words", "error"),
    [
        ("x", {"priority": 8}, ValueError),
        ("x", {"priority": -1}, ValueError),
        ("x", {"priority": "bad"}, ValueError),
        ("x", {"priority": 3.0}, TypeError),
        ("x", {"facility": 24}, ValueError),
        ("x", {"facility": "err"}, ValueError),
        ("x", {"tag": "t"}, TypeError),
        ("x", {"level": 3}, TypeError),
        (3, {}, TypeError),
        (None, {}, TypeError),
    ],
)
def test_wrong_arguments_are_told_and_nothing_is_sent(
    message: Any, words: dict[str, Any], error: type[Exception], client: Client, receiver: Receiver
) -> None:
    with pytest.raises(error):
        client.send(message, **words)
    assert receiver.waiting() == []


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("-inf")])
def test_a_time_out_must_be_a_time(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Client(timeout=timeout)


# Where it is sent


def test_the_function_sends_to_the_socket_that_is_named_in_the_environment(path: Path, receiver: Receiver) -> None:
    code = "import os, sys, udsd.client as c; os.environ['UDSD_SOCKET'] = sys.argv[1]; c.send('hello', priority=4, a=1)"
    Program(code, str(path), options=("-Wd",)).end()
    assert without(receiver.fields(), "SYSLOG_FACILITY") == [("PRIORITY", b"4"), ("A", b"1"), ("MESSAGE", b"hello")]


def test_a_path_comes_before_the_environment(
    client: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UDSD_SOCKET", "/nowhere")
    client.send("hello")
    assert receiver.message() == b"hello"


def test_the_socket_that_was_found_is_kept_to_until_the_client_is_closed(
    path: Path, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Receiver(tmp_path / "other")
    monkeypatch.setenv("UDSD_SOCKET", str(path))
    client = Client()
    client.send("one")
    monkeypatch.setenv("UDSD_SOCKET", other.path)
    receiver.replace()
    client.send("two")
    assert receiver.waiting() == [b"two"]
    client.close()
    client.send("three")
    assert other.waiting() == [b"three"]
    other.close()


def test_an_application_does_not_load_the_daemon_nor_systemd_nor_logging() -> None:
    loaded = set(Program("import sys, udsd.client; print(*sys.modules)", options=("-S",)).end().split())
    assert {name for name in loaded if name.startswith("udsd")} == {
        *("udsd", "udsd.address", "udsd.client", "udsd.connection", "udsd.errors", "udsd.field_names"),
        *("udsd.priorities", "udsd.rfc5424"),
    }
    assert not loaded & {"systemd", "logging", "socket", "struct", "threading"}


def test_nothing_is_connected_before_something_is_sent_and_nothing_is_left_open(path: Path) -> None:
    before = descriptors()
    with Client(str(path), 0) as client:
        assert descriptors() == before
        receiver = Receiver(path)
        own = descriptors()
        for _ in range(3):
            client.send("hello")
        assert len(descriptors()) == len(own) + 1
    assert descriptors() == own
    client.send("again")
    assert receiver.waiting() == [b"hello"] * 3 + [b"again"]
    del client
    receiver.close()
    assert descriptors() == before


# Threads and processes


def test_threads_share_a_client(client: Client, receiver: Receiver) -> None:
    threads, count = 8, 1000
    found: list[bytes] = []

    def receive() -> None:
        found.extend(receiver.message() for _ in range(threads * count))

    def send(name: int) -> None:
        for number in range(count):
            client.send(f"{name} {number}")

    at_once(receive, *each(threads, send))
    for name in range(threads):
        mine = [message for message in found if message.startswith(b"%d " % name)]
        assert mine == [b"%d %d" % (name, number) for number in range(count)]


FORKS = """
import os, sys, threading
from udsd.client import Client
client, over = Client(sys.argv[1], 30), threading.Event()
def send():
    while not over.is_set():
        client.send("thread")
threads = [threading.Thread(target=send) for _ in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(50):
    child = os.fork()
    if not child:
        client.send(f"child {number}")
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
over.set()
for thread in threads:
    thread.join()
client.send("over")
print(*children)
"""


def test_children_send_under_their_own_name_whatever_other_threads_did_at_the_fork(
    path: Path, receiver: Receiver
) -> None:
    # From Python 3.12 on there is a warning about any fork with threads.
    program = Program(FORKS, str(path), options=("-Wd", "-Wignore::DeprecationWarning"))
    found: list[tuple[int, bytes]] = []
    while not found or found[-1][1] != b"over":
        pid, fields = receiver.sent()
        found.append((pid, dict(fields)["MESSAGE"]))
    children = [int(pid) for pid in program.end().split()]
    assert sorted(message for message in found if message[1].startswith(b"child")) == sorted(
        (child, b"child %d" % number) for number, child in enumerate(children)
    )
    assert {pid for pid, message in found if message in (b"thread", b"over")} == {program.process.pid}


# A queue that is full


@pytest.mark.parametrize("timeout", [0.3, 1])
def test_a_message_that_finds_no_room_in_time_is_an_error(timeout: float, path: Path, receiver: Receiver) -> None:
    client = Client(str(path), timeout)
    receiver.fill()
    with lasts(timeout):
        said = fails(client, os.EX_TEMPFAIL)
    assert said == f"{path}: the queue was full for {timeout} s"
    assert b"hello" not in receiver.waiting()


def test_without_time_a_full_queue_is_an_error_at_once(path: Path, receiver: Receiver) -> None:
    client = Client(str(path), 0)
    receiver.fill()
    assert fails(client, os.EX_TEMPFAIL) == f"{path}: the queue is full"


@pytest.mark.parametrize("timeout", ["None", "1e9", "inf"])
def test_with_all_the_time_a_message_waits_for_room(timeout: str, path: Path, receiver: Receiver) -> None:
    receiver.fill()
    program = Program(ONE, str(path), timeout)
    program.ready()
    until_asleep(program.process.pid)
    assert receiver.waiting() in ([], [b"hello"])
    assert program.end() == ""


def test_with_a_full_queue_only_the_first_call_waits(path: Path, receiver: Receiver) -> None:
    client = Client(str(path), 0.3)
    for _ in range(2):
        receiver.fill()
        with lasts(0.3):
            assert fails(client, os.EX_TEMPFAIL) == f"{path}: the queue was full for 0.3 s"
            for _ in range(1000):
                assert fails(client, os.EX_TEMPFAIL) == f"{path}: the queue is full"
        receiver.waiting()
        client.send("room")  # so the next one waits again
        assert receiver.message() == b"room"


def test_threads_that_wait_do_not_add_up(path: Path, receiver: Receiver) -> None:
    client = Client(str(path), 0.5)
    receiver.fill()
    with lasts(0.5, 20 * 0.5):
        at_once(*[lambda: fails(client, os.EX_TEMPFAIL)] * 20)


def test_signals_do_not_lengthen_the_time_out(path: Path, receiver: Receiver) -> None:
    client = Client(str(path), 0.5)
    receiver.fill()
    caught: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: caught.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        with lasts(0.5):  # the signals do not end before it does
            fails(client, os.EX_TEMPFAIL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(caught) > 1


def test_own_messages_in_the_queue_do_not_count_twice(path: Path, receiver: Receiver) -> None:
    """First its own share of the queue is used up, then the queue."""
    client = Client(str(path), 2)
    with suppress(UdsdError):
        while True:
            client.send("x" * 10_000)
    receiver.message()
    client.send("x" * 10_000)  # after the failure, so that the next one waits
    receiver.fill()
    with lasts(2, 2 * 2):
        fails(client, os.EX_TEMPFAIL)


# Descriptors that something else has closed, as what becomes a daemon does


def close_behind_it(client: Client) -> int:
    """Close the client's descriptor, which had sent before; its number."""
    number = os.dup(0)
    os.close(number)
    client.send("before")  # which takes that number, the lowest that is free
    assert os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    os.close(number)
    return number


def test_a_descriptor_that_is_closed_behind_it_is_replaced(path: Path, receiver: Receiver) -> None:
    client, before = Client(path), descriptors()
    close_behind_it(client)
    client.send("after")
    assert receiver.waiting() == [b"before", b"after"]
    assert len(descriptors()) == len(before) + 1
    client.close()
    assert descriptors() == before


@pytest.mark.parametrize("let_go", [Client.close, lambda client: client.send("after")], ids=["close", "send"])
def test_a_file_that_has_the_number_of_a_closed_descriptor_is_left_alone(
    let_go: Callable[[Client], None], path: Path, receiver: Receiver
) -> None:
    client = Client(path)
    number = close_behind_it(client)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        assert ours.fileno() == number
        let_go(client)
        ours.send(b"of the application")
        assert theirs.recv(100) == b"of the application"
    assert b"of the application" not in receiver.waiting()


def test_a_path_may_be_a_path(path: Path) -> None:
    with pytest.raises(UdsdError) as told:
        Client(path, 0).send("x")
    assert (told.value.status, str(path) in str(told.value)) == (os.EX_UNAVAILABLE, True)


# A socket that is replaced


@pytest.mark.parametrize("timeout", [0, 5, None])
def test_a_socket_that_was_replaced_is_found_at_once(timeout: float | None, path: Path, receiver: Receiver) -> None:
    client = Client(str(path), timeout)
    for number in range(10):
        with lasts(0, 5):
            client.send(f"{number}")
        assert receiver.waiting() == [b"%d" % number]
        receiver.replace()


def test_a_socket_that_was_replaced_while_a_message_waits_for_room(path: Path, receiver: Receiver) -> None:
    receiver.fill()
    program = Program(ONE, str(path), str(SECONDS))
    program.ready()
    until_asleep(program.process.pid)
    receiver.replace()
    assert receiver.message() == b"hello"
    assert program.end() == ""


def test_a_socket_that_was_replaced_while_many_threads_wait_for_room(path: Path, receiver: Receiver) -> None:
    receiver.fill()
    program = Program(MANY, str(path))
    program.ready()
    all_asleep(program.process.pid, 21)
    receiver.replace()
    assert sorted(receiver.message() for _ in range(20)) == sorted(b"%d" % number for number in range(20))
    assert program.end() == ""


def test_all_threads_that_use_a_connection_are_told_that_nobody_listens(path: Path, receiver: Receiver) -> None:
    """The kernel tells that to the first, and to others that they are not connected."""
    connection = Connection([str(path)], 0)
    receiver.close()
    for _ in range(3):
        with pytest.raises(UdsdError) as caught:
            connection.send(b"x")
        assert caught.value.status == os.EX_UNAVAILABLE


def test_a_socket_that_comes_later_is_waited_for(path: Path) -> None:
    program = Program(ONE, str(path), str(SECONDS))
    program.ready()
    until_asleep(program.process.pid)
    receiver = Receiver(path)
    assert receiver.message() == b"hello"
    assert program.end() == ""
    receiver.close()


@pytest.mark.parametrize("timeout", [0, 0.5])
@pytest.mark.parametrize("gone", ["never there", "gone", "deaf"])
def test_a_socket_that_stays_away_is_an_error_when_the_time_is_over(timeout: float, gone: str, path: Path) -> None:
    client = Client(str(path), timeout)
    if gone != "never there":
        receiver = Receiver(path)
        client.send("hello")
        receiver.close()
    if gone == "deaf":
        path.write_text("")
    with lasts(timeout):
        fails(client, os.EX_UNAVAILABLE)


def test_nothing_is_lost_through_sockets_that_end_as_udsd_does(path: Path, receiver: Receiver) -> None:
    client, over = Client(str(path), SECONDS), threading.Event()
    threads, sent = 8, Counter[int]()
    found: list[bytes] = []
    before = descriptors()

    def send(name: int) -> None:
        while not over.is_set():
            client.send(f"{name} {sent[name]}")
            sent[name] += 1

    def replace() -> None:
        for _ in range(10):
            found.extend([receiver.message() for _ in range(500)] + receiver.seal())
            receiver.replace()
        over.set()
        while threading.active_count() > others + 1:
            found.extend(receiver.waiting())
        found.extend(receiver.waiting())

    others = threading.active_count()
    at_once(replace, *each(threads, send))
    assert Counter(found) == Counter(
        b"%d %d" % (name, number) for name in range(threads) for number in range(sent[name])
    )
    assert len(descriptors()) == len(before) + 1


# What time does not help


@pytest.mark.parametrize("size", [300_000, 1_000_001])
def test_a_message_that_is_too_long_for_a_datagram_arrives_in_parts(size: int, path: Path, receiver: Receiver) -> None:
    client, text = Client(str(path), SECONDS), ("ä€x" * size)[:size]
    entries: list[dict[str, bytes]] = []

    def read() -> None:
        while "MESSAGE_PARTS" not in (entry := receiver.entry()):
            entries.append(entry)
        entries.append(entry)

    at_once(read, lambda: client.send(text, priority="err", facility="daemon", mount="/srv"))
    assert "".join(entry["MESSAGE"].decode() for entry in entries) == text
    assert [int(entry["MESSAGE_PART"]) for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1]["MESSAGE_PARTS"] == b"%d" % len(entries)
    assert len({entry["MESSAGE_PART_OF"] for entry in entries}) == 1
    same = {(entry["PRIORITY"], entry["SYSLOG_FACILITY"], entry["MOUNT"]) for entry in entries}
    assert same == {(b"3", b"3", b"/srv")}
    client.send("short")
    assert receiver.message() == b"short"


def test_without_a_socket_only_the_first_call_waits(path: Path) -> None:
    client = Client(str(path), 0.5)
    with lasts(0.5):
        for _ in range(1000):
            fails(client, os.EX_UNAVAILABLE)
    receiver = Receiver(path)
    client.send("there")
    assert receiver.message() == b"there"
    receiver.close()
    with lasts(0.5):
        fails(client, os.EX_UNAVAILABLE)


def test_without_poll_as_under_eventlet_a_message_waits_for_room(path: Path, receiver: Receiver) -> None:
    receiver.fill()
    program = Program(f"import select\ndel select.poll\n{ONE}", str(path), str(SECONDS))
    program.ready()
    while receiver.message() != b"hello":
        pass
    assert program.end() == ""


@pytest.mark.needs_root
def test_a_socket_that_is_not_for_us_is_an_error_at_once(path: Path, receiver: Receiver) -> None:
    path.chmod(0o600)
    for folder in path.parents[:3]:
        folder.chmod(0o755)
    program = Program(f"import os, udsd.client\nos.setuid(65534)\n{ONE}", str(path), "None")
    assert program.end() == f"ready\n{os.EX_NOPERM} NotAllowedError\n"


@pytest.mark.parametrize("name", ["", "@", "x" * 200, "a\0b"], ids=ascii)
def test_a_path_that_cannot_name_a_socket_is_an_error_at_once(name: str) -> None:
    fails(Client(name, None), os.EX_USAGE)


def test_no_descriptor_left_is_an_error_at_once(path: Path, receiver: Receiver) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))"
    imports = "import udsd.client"
    assert Program(f"{imports}\n{ONE.replace('print', limit + chr(10) + 'print', 1)}", str(path), "None").end() == (
        f"ready\n{os.EX_OSERR} SendError\n"
    )
