"""The logging handler on real sockets: what an entry has, and that it never harms the application."""

import logging
import logging.config
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import SECONDS
from tests.socket.receiver import Program, Receiver
from tests.socket.threads import at_once, each, lasts
from udsd.handler import Handler

ALWAYS = {"PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "MESSAGE", "LOGGER"}
WHERE = {"CODE_FILE", "CODE_LINE", "CODE_FUNC", "THREAD_NAME", "PROCESS_NAME"}


@pytest.fixture
def receiver(path: Path) -> Iterator[Receiver]:
    there = Receiver(path)
    yield there
    there.close()


@pytest.fixture
def handler(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/program"])  # whatever runs the tests may have no name
    there = Handler(str(path), timeout=SECONDS)
    yield there
    there.close()


@pytest.fixture
def log(handler: Handler) -> Iterator[logging.Logger]:
    yield from logger(handler)


def logger(handler: Handler) -> Iterator[logging.Logger]:
    """A logger of the test's own that sends to nothing but this."""
    own = logging.Logger("app.part", logging.NOTSET + 1)
    own.addHandler(handler)
    yield own
    own.removeHandler(handler)


def with_handler(handler: Handler) -> logging.Logger:
    return next(logger(handler))


# What an entry has


def test_a_record_and_where_it_comes_from(log: logging.Logger, receiver: Receiver) -> None:
    line = sys._getframe().f_lineno + 1
    log.warning("%d of %s", 3, "four")
    entry = receiver.entry()
    assert entry.keys() == ALWAYS | WHERE | ({"TASK_NAME"} & entry.keys())
    assert (entry["MESSAGE"], entry["PRIORITY"], entry["LOGGER"]) == (b"3 of four", b"4", b"app.part")
    assert entry["CODE_FILE"] == __file__.encode()
    assert entry["CODE_LINE"] == b"%d" % line
    assert entry["CODE_FUNC"] == b"test_a_record_and_where_it_comes_from"
    assert (entry["THREAD_NAME"], entry["PROCESS_NAME"]) == (b"MainThread", b"MainProcess")


@pytest.mark.parametrize(
    ("level", "priority"),
    [(1, 7), (10, 7), (19, 7), (20, 6), (25, 6), (29, 6), (30, 4), (39, 4), (40, 3), (49, 3), (50, 2), (60, 2)],
)
def test_the_priority_is_made_of_the_level(level: int, priority: int, log: logging.Logger, receiver: Receiver) -> None:
    log.log(level, "x")
    assert receiver.entry()["PRIORITY"] == b"%d" % priority


@pytest.mark.parametrize(
    "message",
    ["", "<3>x", '{"a": 1}', "caf\udce9", "\ud800", "ä\n two", "DONE", "100%", "\0"],
    ids=ascii,
)
def test_any_message(message: str, log: logging.Logger, receiver: Receiver) -> None:
    log.info(message)
    expected = message.encode(errors="backslashreplace" if message == "\ud800" else "surrogateescape")
    assert receiver.message() == expected


def test_a_message_that_is_formatted(handler: Handler, log: logging.Logger, receiver: Receiver) -> None:
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s (%(asctime)s)", "now"))
    log.info("x")
    entry = receiver.entry()
    assert entry["MESSAGE"] == b"INFO: x (now)"
    assert entry.keys() - {"TASK_NAME"} == ALWAYS | WHERE


def test_an_exception(log: logging.Logger, receiver: Receiver) -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        log.exception("bad")
    entry = receiver.entry()
    assert (entry["MESSAGE"], entry["PRIORITY"]) == (b"bad\n" + entry["EXCEPTION_TEXT"], b"3")
    text = entry["EXCEPTION_TEXT"].splitlines()
    assert (text[0], text[-1]) == (b"Traceback (most recent call last):", b"KeyError: 'missing'")
    assert "STACK_TEXT" not in entry


def test_an_exception_that_is_none(log: logging.Logger, receiver: Receiver) -> None:
    log.error("x", exc_info=True)
    assert "EXCEPTION_TEXT" not in receiver.entry()


def test_an_exception_that_another_process_has_written_out(handler: Handler, receiver: Receiver) -> None:
    handler.handle(logging.makeLogRecord({"levelno": 20, "msg": "x", "exc_text": "it was\nbad"}))
    assert receiver.entry()["EXCEPTION_TEXT"] == b"it was\nbad"


def test_a_stack(log: logging.Logger, receiver: Receiver) -> None:
    log.info("x", stack_info=True)
    entry = receiver.entry()
    assert entry["STACK_TEXT"].startswith(b"Stack (most recent call last):\n")
    assert "EXCEPTION_TEXT" not in entry


def test_a_record_of_which_nothing_is_known(handler: Handler, receiver: Receiver) -> None:
    handler.handle(logging.makeLogRecord({"levelno": 20, "msg": "x"}))
    entry = receiver.entry()
    assert not any(value in (b"", b"None") for value in entry.values())
    assert entry["MESSAGE"] == b"x"


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_extra_attributes_are_fields(log: logging.Logger, receiver: Receiver) -> None:
    extra: dict[str, Any] = {
        "user": "joe",
        "n": 3,
        "raw": b"\xff",
        "none": None,
        "rows": [1, 2],
        "request-id": "r1",
        "request_id": "r2",
        "_uid": "0",
        "object_pid": "1",
        "MESSAGE_ID": "ab",
        "priority": "0",
        "logger": "x",
        "9": "nine",
        "mute": Mute(),
    }
    log.info("x", extra=extra)
    entry = receiver.entry()
    assert {name: value for name, value in entry.items() if name not in ALWAYS | WHERE | {"TASK_NAME"}} == {
        "USER": b"joe",
        "N": b"3",
        "RAW": b"\xff",
        "NONE": b"None",
        "ROWS": b"[1, 2]",
        "REQUEST_ID": b"r1",
        "REQUEST_ID_2": b"r2",
        "UID": b"0",
        "X_OBJECT_PID": b"1",
        "MESSAGE_ID": b"ab",
        "PRIORITY_2": b"0",
        "LOGGER_2": b"x",
        "X_9": b"nine",
        "MUTE": b"<Mute without text: RuntimeError>",
    }
    assert (entry["PRIORITY"], entry["LOGGER"]) == (b"6", b"app.part")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/usr/bin/app"], b"app"),
        (["./my app.py"], b"my app.py"),
        (["/srv/package/__main__.py"], b"package"),
        (["-c"], None),
        (["-"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_identifier_is_the_name_of_the_program(
    words: list[str], expected: bytes | None, path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", words)
    with_handler(Handler(str(path))).info("x")
    assert receiver.entry().get("SYSLOG_IDENTIFIER") == expected


def test_the_identifier_and_all_else_can_be_configured(path: Path, receiver: Receiver) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"udsd": {"class": "udsd.handler.Handler", "path": str(path), "identifier": "me", "level": 30}},
            "loggers": {"configured": {"handlers": ["udsd"], "propagate": False, "level": 1}},
        }
    )
    own = logging.getLogger("configured")
    own.info("no")
    own.error("yes")
    (handler,) = own.handlers
    own.removeHandler(handler)
    handler.close()
    entry = receiver.entry()
    assert (entry["SYSLOG_IDENTIFIER"], entry["MESSAGE"], receiver.waiting()) == (b"me", b"yes", [])


# Filters


def test_what_a_filter_stops_is_not_sent_and_not_a_drop(
    handler: Handler, log: logging.Logger, receiver: Receiver
) -> None:
    handler.addFilter(lambda record: record.getMessage() != "no")
    log.info("no")
    log.info("yes")
    assert (receiver.waiting(), handler.dropped) == ([b"yes"], 0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="filters replace records from Python 3.12 on")
def test_a_filter_may_replace_the_record(handler: Handler, log: logging.Logger, receiver: Receiver) -> None:
    handler.addFilter(lambda record: logging.makeLogRecord({**vars(record), "msg": "replaced"}))  # type: ignore[arg-type,return-value]
    log.info("x")
    assert receiver.waiting() == [b"replaced"]


def test_a_subclass_may_change_what_is_emitted(path: Path, receiver: Receiver) -> None:
    class Own(Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.msg = f"own {record.msg}"
            super().emit(record)

    with_handler(Own(str(path))).info("x")
    assert receiver.waiting() == [b"own x"]


# It never raises, and counts


def fails(_record: logging.LogRecord) -> bool:
    raise RuntimeError("no")


def test_a_record_that_cannot_be_formatted_is_told_as_logging_does_and_counted(
    handler: Handler, log: logging.Logger, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("%d", "three")
    assert "--- Logging error ---" in capsys.readouterr().err
    log.info("%s", Mute())
    handler.addFilter(fails)
    log.info("x")
    assert capsys.readouterr().err.count("RuntimeError: no") == 2
    assert (handler.dropped, receiver.waiting()) == (3, [])


def test_a_closed_standard_error_is_no_exception(
    handler: Handler, log: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "errors", "w") as errors:
        monkeypatch.setattr(sys, "stderr", errors)
    log.info("%d", "three")
    assert handler.dropped == 1


def test_an_application_at_the_end_of_its_stack(
    handler: Handler, log: logging.Logger, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deep:
        def __str__(self) -> str:
            return str(self)

    log.info("%s", Deep())
    log.info("x", extra={"deep": Deep()})
    assert (handler.dropped, capsys.readouterr().err) == (1, "")
    assert receiver.entry()["DEEP"] == b"<Deep without text: RecursionError>"


def test_what_is_logged_while_a_record_is_handled_is_counted_and_not_sent(
    handler: Handler, log: logging.Logger, receiver: Receiver
) -> None:
    other = with_handler(handler)

    class Chatty:
        def __str__(self) -> str:
            other.info("from __str__, %s", self)
            return "chatty"

    def chatty(record: logging.LogRecord) -> bool:
        other.info("from a filter, %s", record)
        return True

    handler.addFilter(chatty)
    log.info("%s", Chatty(), extra={"who": Chatty()})
    entry = receiver.entry()
    assert (entry["MESSAGE"], entry["WHO"]) == (b"chatty", b"chatty")
    assert (handler.dropped, receiver.waiting()) == (3, [])


def test_one_thread_in_the_handler_keeps_no_other_from_it(
    handler: Handler, log: logging.Logger, receiver: Receiver
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow:
        def __str__(self) -> str:
            inside.set()
            assert go_on.wait(SECONDS)
            return "slow"

    def quick() -> None:
        assert inside.wait(SECONDS)
        log.info("quick")
        assert receiver.message() == b"quick"
        go_on.set()

    at_once(lambda: log.info("%s", Slow()), quick)
    assert (receiver.waiting(), handler.dropped) == ([b"slow"], 0)


def test_a_record_of_any_size_arrives_in_parts(
    handler: Handler, log: logging.Logger, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[dict[str, bytes]] = []

    def read() -> None:
        while not found or "MESSAGE_PARTS" not in found[-1]:
            found.append(receiver.entry())

    at_once(read, lambda: log.info("x" * 1_000_000, extra={"user": "me"}))
    assert b"".join(entry["MESSAGE"] for entry in found) == b"x" * 1_000_000
    assert {entry["USER"] for entry in found} == {b"me"}
    assert (handler.dropped, capsys.readouterr().err) == (0, "")


def test_what_can_never_be_sent_is_told_as_logging_does_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    handler = Handler("x" * 200)
    with_handler(handler).info("x")
    assert handler.dropped == 1
    assert "too long for a UNIX socket" in capsys.readouterr().err


def test_default_fields_and_facility(path: Path, receiver: Receiver) -> None:
    handler = Handler(path, facility="daemon", fields={"app": "shop", "user": "nobody", "logger": "mine"})
    log = with_handler(handler)
    log.info("x", extra={"user": "me", "MESSAGE_ID": "0" * 32})
    entry = receiver.entry()
    assert (entry["APP"], entry["USER"], entry["SYSLOG_FACILITY"]) == (b"shop", b"me", b"3")
    assert (entry["MESSAGE_ID"], entry["LOGGER"], entry["LOGGER_2"]) == (b"0" * 32, b"app.part", b"mine")


FILE = """
import io, logging.config
logging.config.fileConfig(io.StringIO('''
[loggers]
keys=root
[handlers]
keys=udsd
[formatters]
keys=
[logger_root]
level=INFO
handlers=udsd
[handler_udsd]
class=udsd.handler.Handler
args=()
kwargs={"identifier": "backup"}
'''))
logging.info("hello")
"""


def test_a_file_of_logging_can_name_it(path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UDSD_SOCKET", str(path))
    assert Program(FILE).end() == ""
    entry = receiver.entry()
    assert (entry["MESSAGE"], entry["SYSLOG_IDENTIFIER"]) == (b"hello", b"backup")


def test_a_subclass_may_map_levels(path: Path, receiver: Receiver) -> None:
    class Loud(Handler):
        @staticmethod
        def map_priority(level: int) -> int:
            return 5 if level == 25 else Handler.map_priority(level)

    with_handler(Loud(path)).log(25, "x")
    assert receiver.entry()["PRIORITY"] == b"5"


def test_nobody_there_is_no_exception(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = Handler(str(path), timeout=0.2)
    log = with_handler(handler)
    with lasts(0.2):
        for _ in range(1000):
            log.info("x")
    assert (handler.dropped, capsys.readouterr().err) == (1000, "")
    receiver = Receiver(path)
    log.info("there")
    assert (receiver.waiting(), handler.dropped) == ([b"there"], 1000)
    receiver.close()


def test_the_count_is_exact_with_threads_and_looks(path: Path) -> None:
    handler = Handler(str(path), timeout=0)
    log = with_handler(handler)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    looks: list[int] = []

    def many(_thread: int) -> None:
        for _ in range(500):
            log.info("x")

    try:
        at_once(*each(8, many), lambda: looks.extend(handler.dropped for _ in range(500)))
    finally:
        sys.setswitchinterval(before)
    assert looks == sorted(looks)
    assert [handler.dropped for _ in range(3)] == [4000] * 3


# It never blocks for longer than its time-out


def test_a_full_queue_holds_up_all_threads_for_one_time_out_and_no_more(
    path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = Handler(str(path), timeout=0.5)
    log = with_handler(handler)
    receiver.fill()

    def many(thread: int) -> None:
        for number in range(100):
            log.info("%d %d", thread, number)

    with lasts(0.5, 16 * 0.5):
        at_once(*each(16, many))
    assert handler.dropped == 1600
    assert receiver.waiting() == []
    log.info("room")
    assert (receiver.waiting(), handler.dropped) == ([b"room"], 1600)
    assert capsys.readouterr().err == ""


def test_once_a_record_has_got_through_others_wait_again(path: Path, receiver: Receiver) -> None:
    handler = Handler(str(path), timeout=2)
    log = with_handler(handler)
    receiver.fill()
    with lasts(2):
        log.info("x")
    with lasts(0, 2):
        log.info("x")
    receiver.waiting()
    log.info("room")
    receiver.fill()
    with lasts(2):
        log.info("x")
    assert handler.dropped == 3


def test_without_time_nothing_waits(path: Path, receiver: Receiver) -> None:
    handler = Handler(str(path), timeout=0)
    log = with_handler(handler)
    receiver.fill()
    with lasts(0):
        for _ in range(1000):  # a twentieth of a second for each would be too much
            log.info("x")
    assert handler.dropped == 1000


# Processes


FORKS = """
import logging, os, sys, threading
from udsd.handler import Handler
handler, over = Handler(sys.argv[1], timeout=30, identifier="app"), threading.Event()
logging.basicConfig(level=logging.DEBUG, handlers=[handler], format="%(message)s")
def log():
    while not over.is_set():
        logging.info("thread")
threads = [threading.Thread(target=log) for _ in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(50):
    child = os.fork()
    if not child:
        logging.info("child %d", number)
        logging.shutdown()
        os._exit(handler.dropped)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
over.set()
for thread in threads:
    thread.join()
logging.info("over")
print(handler.dropped, *children)
"""


def test_children_log_whatever_other_threads_did_at_the_fork(path: Path, receiver: Receiver) -> None:
    # From Python 3.12 on there is a warning about any fork with threads.
    program = Program(FORKS, str(path), options=("-Wd", "-Wignore::DeprecationWarning"))
    found: list[tuple[int, bytes]] = []
    while not found or found[-1][1] != b"over":
        pid, fields = receiver.sent()
        found.append((pid, dict(fields)["MESSAGE"]))
    dropped, *children = map(int, program.end().split())
    assert dropped == 0
    assert sorted(message for message in found if message[1].startswith(b"child")) == sorted(
        (child, b"child %d" % number) for number, child in enumerate(children)
    )


def test_a_handler_that_was_closed_sends_again(handler: Handler, log: logging.Logger, receiver: Receiver) -> None:
    log.info("one")
    descriptors = len(os.listdir("/proc/self/fd"))
    handler.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors - 1
    log.info("two")
    assert receiver.waiting() == [b"one", b"two"]
