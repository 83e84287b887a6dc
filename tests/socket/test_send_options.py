"""The options of `udsd-send`: the datagrams they make, what they refuse and why, and what they load."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.sending import CLIENT, bound, end, environ, fill, received, send, send_with_run
from tests.socket.sending import started as started_client
from tests.socket.terminal import Terminal
from tests.source import TOP
from udsd import parts
from udsd.send import work


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "udsd.sock")


@pytest.fixture
def server(address: str) -> Iterator[socket.socket]:
    with bound(address) as listening:
        yield listening


# What is said of a message


@pytest.mark.parametrize(
    ("words", "datagram"),
    [
        (["-p", "local0.err", "hello"], b"<131>1 - - - - - - hello"),
        (["-plocal0.err", "hello"], b"<131>1 - - - - - - hello"),
        (["--priority", "local0.err", "hello"], b"<131>1 - - - - - - hello"),
        (["--priority=local0.err", "hello"], b"<131>1 - - - - - - hello"),
        (["-p", "kern.emerg", "x"], b"<0>1 - - - - - - x"),
        (["-p", "local7.debug", "x"], b"<191>1 - - - - - - x"),
        (["-p", "user.panic", "x"], b"<8>1 - - - - - - x"),
        (["-p", "security.error", "x"], b"<35>1 - - - - - - x"),
        (["-p", "AuthPriv.Warn", "x"], b"<84>1 - - - - - - x"),
        (["-p", "notice", "x"], b"<13>1 - - - - - - x"),
        (["-p", "5", "x"], b"<13>1 - - - - - - x"),
        (["-p", "23.0", "x"], b"<184>1 - - - - - - x"),
        (["-p", "13.crit", "x"], b"<106>1 - - - - - - x"),
        (["-t", "backup", "hello"], b"<14>1 - - backup - - - hello"),
        (["--tag=backup", "hello"], b"<14>1 - - backup - - - hello"),
        (["-t", "two words", "x"], b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="two words"] x'),
        (["-t", b"caf\xe9", "x"], b'<14>1 - - - - - [journal@0 SYSLOG_IDENTIFIER="caf\xe9"] x'),
        (["-t", "", "x"], b"x"),
        (["-t", "-bash", "x"], b"<14>1 - - -bash - - - x"),
        (["--tag", "--json", "x"], b"<14>1 - - --json - - - x"),
        (["-t", "=a=b", "x"], b"<14>1 - - =a=b - - - x"),
        (["-t", "a", "--", "-t", "b"], b"<14>1 - - a - - - -t b"),
        (["--id=42", "hello"], b"<14>1 - - - 42 - - hello"),
        (["-i", "--id=42", "hello"], b"<14>1 - - - 42 - - hello"),
        (["-F", "CODE_LINE=7", "x"], b'<14>1 - - - - - [journal@0 CODE_LINE="7"] x'),
        (["--field", "A=1", "--field=B=2", "-FA=3", "x"], b'<14>1 - - - - - [journal@0 A="1" B="2" A="3"] x'),
        (["-F", "A=", "x"], b'<14>1 - - - - - [journal@0 A=""] x'),
        (["-F", 'A=b=]c"\\\nd', "x"], b'<14>1 - - - - - [journal@0 A="b=\\]c\\"\\\\\nd"] x'),
        (["-F", b"A=\xff", b"\xfe"], b'<14>1 - - - - - [journal@0 A="\xff"] \xfe'),
        (
            ["-p", "cron.info", "-t", "job", "--id=7", "-F", "A=1", "a", "b"],
            b'<78>1 - - job 7 - [journal@0 A="1"] a b',
        ),
        (["-p", "info", ""], b"<14>1 - - - - - - "),
        (["-p", "info", "--", "-x"], b"<14>1 - - - - - - -x"),
        (["-p", "info", "DONE"], b"<14>1 - - - - - - DONE"),
        (["--json", "hello"], b'{"MESSAGE":"hello","PRIORITY":"6"}'),
        (["--json", 'ä"\\\n\t'], '{"MESSAGE":"ä\\"\\\\\\n\\t","PRIORITY":"6"}'.encode()),
        (["--json", "-p", "local0.err", "x"], b'{"MESSAGE":"x","PRIORITY":"3","SYSLOG_FACILITY":"16"}'),
        (
            ["--json", "-t", "tag", "--id=7", "x"],
            b'{"MESSAGE":"x","PRIORITY":"6","SYSLOG_IDENTIFIER":"tag","SYSLOG_PID":"7"}',
        ),
        (
            ["--json", "-F", "A=1", "-F", "B=", "-F", "A=ä", "x"],
            '{"MESSAGE":"x","PRIORITY":"6","A":["1","ä"],"B":""}'.encode(),
        ),
    ],
)
def test_what_is_said_of_a_message_is_in_its_datagram(
    words: list[str | bytes], datagram: bytes, address: str, server: socket.socket
) -> None:
    assert send(*words, UDSD_SOCKET=address) == (0, "")
    assert received(server) == [datagram]


def test_a_long_option_can_be_shortened(address: str, server: socket.socket) -> None:
    assert send("--prio", "err", "--ta=x", "--fie", "A=1", "--tim", "5", "x", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b'<11>1 - - x - - [journal@0 A="1"] x']


def test_letters_may_stand_together(address: str, server: socket.socket) -> None:
    assert send("-sei", "-tx", "y", UDSD_SOCKET=address)[0] == 0
    assert received(server)[0].endswith(b" - - y")


@pytest.mark.parametrize("words", [["-i", "hello"], ["--id", "hello"], ["hello", "--id"], ["hello", "-i"]])
def test_its_own_process_id_is_that_of_the_client(words: list[str], address: str, server: socket.socket) -> None:
    with started_client(*words, UDSD_SOCKET=address) as process:
        assert end(process) == (0, "")
    assert received(server) == [b"<14>1 - - - %d - - hello" % process.pid]


def test_each_line_says_it(address: str, server: socket.socket) -> None:
    assert send("-p", "mail.info", "-t", "tag", lines=b"one\n\nDONE", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"<22>1 - - tag - - - " + line for line in (b"one", b"", b"DONE")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "local8.err", "x"], ["-p local8.err", "'local8' is not a facility", "local7", "security", "0 to 23"]),
        (["-p", "user.loud", "x"], ["-p user.loud", "'loud' is not a level", "emerg", "warn", "0 to 7"]),
        (["-p", "local0", "x"], ["'local0' is not a level", "FACILITY.LEVEL"]),
        (["-p", "24.3", "x"], ["'24' is not a facility"]),
        (["-p", "8", "x"], ["'8' is not a level"]),
        (["-p", "-1", "x"], ["'-1' is not a level"]),
        (["-p", "", "x"], ["'' is not a level"]),
        (["-p", ".", "x"], ["'' is not a facility"]),
        (["-p", ".err", "x"], ["'' is not a facility"]),
        (["-p", "user.", "x"], ["'' is not a level"]),
        (["-p", "user.err.err", "x"], ["'user.err' is not a facility"]),
        (["-p", "\N{SUPERSCRIPT THREE}", "x"], ["is not a level"]),
        *[(["--id=" + wrong, "x"], ["--id", "process id"]) for wrong in ("", "self", "0", "-5", "2147483648")],
        (["-F", "A", "x"], ["-F A: there is no =", "NAME=VALUE"]),
        (["-F", "=1", "x"], ["not the name of a field", "A to Z", "at most 64"]),
        (["-F", "code line=1", "x"], ["-F code line: not the name of a field", "call it CODE_LINE"]),
        (["-F", "1ST=1", "x"], ["not the name of a field", "call it X_1ST"]),
        (["-F", "X" * 65 + "=1", "x"], ["not the name of a field", "at most 64"]),
        (["-F", "_PID=1", "x"], ["-F _PID: only journald, systemd and udsd set this", "call it PID"]),
        (["-F", "UNIT=a", "x"], ["-F UNIT: only journald, systemd and udsd set this", "call it X_UNIT"]),
        (["-F", "UDSD_SOCKET=a", "x"], ["only journald, systemd and udsd set this"]),
        (["-F", "OBJECT_PID=1", "x"], ["only journald, systemd and udsd set this"]),
        (["-F", "MESSAGE=a", "x"], ["-F MESSAGE: this is not set with -F", "the words or the lines"]),
        (["-F", "PRIORITY=3", "x"], ["use -p"]),
        (["-F", "priority=3", "x"], ["use -p"]),
        (["-F", "SYSLOG_FACILITY=3", "x"], ["use -p"]),
        (["-F", "SYSLOG_IDENTIFIER=a", "x"], ["use -t"]),
        (["-F", "SYSLOG_PID=3", "x"], ["use -i or --id"]),
        *[(["-F", f"{name}=1", "x"], ["udsd-send sets it in the parts of a long message"]) for name in parts.NAMES],
        (["-S", "1024", "x"], ["-S: udsd never cuts a message", "in parts", "leave -S out"]),
        (["--size=4KiB", "x"], ["udsd never cuts a message"]),
        (["-f", "/etc/hostname", "x"], ["-f", "words"]),
        (["-f", "/etc/hostname", "--", "x"], ["-f", "words"]),
        (["-n", "2"], ["-n needs words"]),
        (["-n", "2", "-f", "/etc/hostname"], ["-n needs words"]),
        *[(["-n", wrong, "x"], ["-n/--count", "number of datagrams"]) for wrong in ("0", "-1", "1.5", "many", "")],
        *[(["--rate", wrong, "x"], ["--rate", "number per second"]) for wrong in ("0", "-1", "inf", "nan", "fast", "")],
        (["--no-wait", "--timeout", "5", "x"], ["--no-wait", "--timeout"]),
        (["--done=now"], ["--done"]),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_with_the_reason(
    words: list[str], said: list[str], address: str, server: socket.socket
) -> None:
    status, stderr = send(*words, lines=b"not this\n", UDSD_SOCKET=address)
    assert (status, "Traceback" in stderr, len(stderr.splitlines())) == (os.EX_USAGE, False, 2), stderr
    for part in said:
        assert part in stderr
    assert received(server) == []


@pytest.mark.parametrize(
    ("words", "what"),
    [([b"a\xff"], "the message"), (["-F", b"A=b\xff", "x"], "-F A"), (["-t", b"b\xff", "x"], "-t")],
    ids=["message", "field", "tag"],
)
def test_json_of_what_is_not_utf_8_is_an_error(
    words: list[str | bytes], what: str, address: str, server: socket.socket
) -> None:
    status, stderr = send("--json", *words, UDSD_SOCKET=address)
    assert status == os.EX_DATAERR
    for part in f"{what}: not UTF-8", "JSON", "byte 1 is 0xff", "iconv":
        assert part in stderr
    assert received(server) == []


def test_a_line_that_json_cannot_hold_is_reported_and_the_rest_goes_on(address: str, server: socket.socket) -> None:
    status, stderr = send("--json", lines=b"one\n\xff\nthree\na\xff\nb\xff\nc\xff\n", UDSD_SOCKET=address)
    assert status == os.EX_DATAERR
    assert stderr.splitlines()[:3] == [
        "udsd-send: line 2: the message: not UTF-8, which JSON has to be: byte 0 is 0xff",
        "udsd-send: line 4: the message: not UTF-8, which JSON has to be: byte 1 is 0xff",
        "udsd-send: lines 5 to 6: the same",
    ]
    assert "lines not sent: 4; lines sent: 2\n" in stderr
    assert received(server) == [b'{"MESSAGE":"%s","PRIORITY":"6"}' % line for line in (b"one", b"three")]


# The socket of JSON


@pytest.mark.needs_root
def test_json_goes_to_a_socket_of_its_own(tmp_path: Path) -> None:
    for name in "system", "user":
        (tmp_path / name / "udsd").mkdir(parents=True)
    with (
        bound(tmp_path / "system/udsd/udsd.sock") as text,
        bound(tmp_path / "user/udsd/json.sock") as users,
    ):
        runtime = str(tmp_path / "user")
        assert send_with_run(tmp_path / "system", "--json", "one", XDG_RUNTIME_DIR=runtime) == (0, "")
        with bound(tmp_path / "system/udsd/json.sock") as systems:
            assert send_with_run(tmp_path / "system", "--json", "two", XDG_RUNTIME_DIR=runtime) == (0, "")
            assert received(systems) == [b'{"MESSAGE":"two","PRIORITY":"6"}']
        assert received(users) == [b'{"MESSAGE":"one","PRIORITY":"6"}']
        assert received(text) == []


@pytest.mark.needs_root
def test_where_there_is_no_socket_of_json_the_error_says_how_to_have_one(tmp_path: Path) -> None:
    status, stderr = send_with_run(tmp_path, "--json", "hello", XDG_RUNTIME_DIR=str(tmp_path))
    assert status == os.EX_UNAVAILABLE
    for part in (
        "/run/udsd/json.sock",
        f"{tmp_path}/udsd/json.sock",
        "systemctl start udsd-format@json.socket",
    ):
        assert part in stderr


# What is sent


def test_the_lines_of_a_file_are_sent(tmp_path: Path, address: str, server: socket.socket) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"one\n\n two\xff\r\nlast")
    assert send("-f", str(file), lines=b"not this\n", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"one", b"", b" two\xff\r", b"last"]


def test_a_dash_is_standard_input(address: str, server: socket.socket) -> None:
    assert send("-f", "-", lines=b"one\ntwo\n", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"one", b"two"]


def test_empty_lines_are_skipped_and_blank_ones_are_not(address: str, server: socket.socket) -> None:
    assert send("-e", lines=b"\none\n\n \n\r\ntwo\n\n", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"one", b" ", b"\r", b"two"]


def test_empty_lines_that_are_skipped_count_in_the_numbers_of_lines(address: str, server: socket.socket) -> None:
    status, stderr = send("-e", "--json", lines=b"\n\none\n\n\xff\ntwo\n", UDSD_SOCKET=address)
    assert (status, "line 5: the message: not UTF-8" in stderr, len(received(server))) == (os.EX_DATAERR, True, 2), (
        stderr
    )


@pytest.mark.parametrize(
    ("name", "said"), [("nothing", "No such file"), ("", "Is a directory"), ("a\nb", "No such file")]
)
def test_a_file_that_cannot_be_opened_is_no_input(
    name: str, said: str, tmp_path: Path, address: str, server: socket.socket
) -> None:
    status, stderr = send("-f", f"{tmp_path}/{name}", UDSD_SOCKET=address)
    assert (status, f"{tmp_path}/{name}: {said}" in stderr) == (os.EX_NOINPUT, True), stderr
    assert received(server) == []


def test_a_file_that_cannot_be_read_on_is_an_error_that_names_it(address: str, server: socket.socket) -> None:
    status, stderr = send("-f", "/proc/self/mem", UDSD_SOCKET=address)
    assert status == os.EX_IOERR
    assert stderr == "udsd-send: /proc/self/mem: Input/output error; lines sent before: 0\n"
    assert received(server) == []


def test_words_are_sent_so_many_times(address: str, server: socket.socket) -> None:
    assert send("-n", "3", "-t", "x", "a", "b", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"<14>1 - - x - - - a b"] * 3


@pytest.mark.parametrize(
    ("words", "datagrams"),
    [
        (["--done"], [b"DONE"]),
        (["--done", "a", "b"], [b"a b", b"DONE"]),
        (["--done", "-n", "2", "a"], [b"a", b"a", b"DONE"]),
        (["--done", "-f", "-"], [b"one", b"two", b"DONE"]),
        (["--done", "-t", "x", "a"], [b"<14>1 - - x - - - a", b"DONE"]),
        (["--done", "--json"], [b"DONE"]),
        (["--done", "DONE"], [b"DONE"]),
    ],
)
def test_done_is_sent_behind_all_else(
    words: list[str], datagrams: list[bytes], address: str, server: socket.socket
) -> None:
    assert send(*words, lines=b"one\ntwo\n", UDSD_SOCKET=address) == (0, "")
    assert received(server) == datagrams


# When it is sent


def test_who_does_not_wait_gives_up_at_once(address: str, server: socket.socket) -> None:
    fill(address)
    status, stderr = send("--no-wait", "hello", UDSD_SOCKET=address)
    assert status == os.EX_TEMPFAIL
    for part in f"{address}: the queue is full", "systemctl status udsd", "--wait":
        assert part in stderr
    server.recv(1)
    status, stderr = send("--no-wait", "-n", "3", "hello", UDSD_SOCKET=address)
    assert (status, "datagrams sent before: 1\n" in stderr) == (os.EX_TEMPFAIL, True), stderr


@pytest.mark.parametrize("options", [["--wait"], ["--wait", "--timeout=30"], ["--no-wait", "--wait"]])
def test_who_waits_is_served(options: list[str], address: str, server: socket.socket) -> None:
    fill(address)
    with started_client(*options, "hello", UDSD_SOCKET=address) as process:
        found = received(server)
        assert end(process) == (0, "")
    assert (found + received(server))[-1] == b"hello"


@pytest.mark.parametrize(
    ("words", "lines"), [(["-n", "31", "x"], b""), ([], b"x\n" * 31), (["-f", "-"], b"x\n" * 31)], ids=["n", "in", "f"]
)
def test_datagrams_are_spread_over_time(words: list[str], lines: bytes, address: str, server: socket.socket) -> None:
    before = time.monotonic()
    assert send("--rate", "50", *words, lines=lines, UDSD_SOCKET=address) == (0, "")
    assert time.monotonic() - before >= 30 / 50
    assert received(server) == [b"x"] * 31


class Clock:
    """A clock on which every sleep takes a little too long."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + 0.004


def test_what_sleeps_take_too_long_does_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(work, "monotonic", clock.monotonic)
    monkeypatch.setattr(work, "sleep", clock.sleep)
    pace, times = work.Pace(100), []
    for _ in range(1001):
        pace.wait()
        times.append(clock.now - 1000)
    assert times[0] == 0
    assert all(due / 100 <= at <= due / 100 + 0.0041 for due, at in enumerate(times[1:], 1))


def test_after_a_pause_there_is_no_burst(address: str, server: socket.socket) -> None:
    with started_client("--rate", "10", UDSD_SOCKET=address) as process:
        assert process.stdin is not None
        process.stdin.write(b"first\n")
        assert server.recv(100) == b"first"
        assert not select.select([server], [], [], 0.5)[0]  # five datagrams could have been sent
        before = time.monotonic()
        process.stdin.write(b"x\n" * 20)
        for _ in range(20):
            assert server.recv(100) == b"x"
        assert time.monotonic() - before >= 1.7  # 19 pauses, less what it may catch up
        assert end(process) == (0, "")


# What is seen of it


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-s"], b"one\n\nt\xc3\xa4\xff\n"),
        (["-s", "-t", "tag"], b"tag: one\ntag: \ntag: t\xc3\xa4\xff\n"),
        (["--stderr", "-e"], b"one\nt\xc3\xa4\xff\n"),
        (["-s", "--done", "a", "b"], b"a b\n"),
        (["-s", "-n", "2", "two\nlines"], b"two\nlines\ntwo\nlines\n"),
    ],
)
def test_messages_are_printed_too(words: list[str], said: bytes, address: str, server: socket.socket) -> None:
    done = subprocess.run(
        [*CLIENT, *words],
        cwd=TOP,
        env=environ({"UDSD_SOCKET": address}),
        input=b"one\n\nt\xc3\xa4\xff",
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", said)
    assert received(server)


def test_only_what_was_sent_is_printed(address: str, server: socket.socket) -> None:
    status, stderr = send("-s", "--json", lines=b"one\n\xff\n", UDSD_SOCKET=address)
    assert (status, stderr.startswith("one\nudsd-send: line 2: ")) == (os.EX_DATAERR, True), stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_where_they_cannot_be_printed_they_are_sent(redirection: str, address: str, server: socket.socket) -> None:
    words = ["sh", "-c", f'exec "$@" {redirection}', "sh", *CLIENT, "-s", "-n", "2", "hello"]
    done = subprocess.run(words, cwd=TOP, env=environ({"UDSD_SOCKET": address}), timeout=SECONDS, check=False)
    assert done.returncode == 0
    assert received(server) == [b"hello", b"hello"]


# At the prompt


def test_typed_lines_say_it_and_done_is_the_word_that_ends_both_sides(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, "-t", "tag", "-e", UDSD_SOCKET=address) as terminal:
        for line in "one", "", "two":
            terminal.until(b"> ")
            terminal.type(f"{line}\r")
        terminal.until(b"> ")
        terminal.type("\x1b[A\r")
        terminal.until(b"> ")
        terminal.type("DONE\r")
        assert terminal.end() == 0
    said = b"<14>1 - - tag - - - "
    assert received(server) == [said + b"one", said + b"two", said + b"two", b"DONE"]


@pytest.mark.parametrize(
    ("keys", "datagrams"), [("DONE\r", [b"DONE"]), ("\x04", [b"DONE"]), ("a\r\x04", [b"a", b"DONE"])]
)
def test_a_prompt_sends_done_once(keys: str, datagrams: list[bytes], address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, "-f", "-", "--done", UDSD_SOCKET=address) as terminal:
        terminal.until(b"> ")
        terminal.type(keys)
        assert terminal.end() == 0
    assert received(server) == datagrams


def test_done_alone_does_not_prompt(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, "--done", UDSD_SOCKET=address) as terminal:
        assert terminal.end() == 0
        assert terminal.shown == b""
    assert received(server) == [b"DONE"]


# What is loaded

_PRINT_LOADED = """
import sys
from udsd.send.cli import main
assert main() == 0
names = {name.removeprefix("udsd.") for name in sys.modules if name.startswith("udsd.")}
names -= {"address", "connection", "errors", "send", "send.cli"}
print(*sorted(names), *sorted({"argparse", "json", "re", "typing", "struct", "shutil"} & set(sys.modules)))
"""
_ANY = "send.command_line send.options send.pipeline send.work"


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (["hello"], ""),
        ([], "send.pipeline send.source send.work"),
        (["--wait", "hello"], f"{_ANY}"),
        (["-p", "info", "hello"], f"{_ANY} send.encoding parts priorities rfc5424"),
        (["-t", "tag", "hello"], f"{_ANY} send.encoding parts priorities rfc5424"),
        (["-F", "A=1", "hello"], f"field_names {_ANY} send.encoding parts priorities rfc5424"),
        (["--json", "hello"], f"{_ANY} send.encoding parts priorities"),
        (["-n", "2", "hello"], f"{_ANY} send.source"),
        (["--rate", "9", "hello"], f"{_ANY}"),
        (["-s", "hello"], f"{_ANY} send.terminal"),
        (["-f", "-"], f"{_ANY} send.source"),
        (["--done"], f"{_ANY}"),
    ],
)
def test_what_is_not_used_is_not_loaded(words: list[str], loaded: str, address: str, server: socket.socket) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", _PRINT_LOADED, *words],
        cwd=TOP,
        env=environ({"UDSD_SOCKET": address}),
        input=b"line\n",
        stdout=subprocess.PIPE,
        timeout=SECONDS,
        check=True,
    )
    assert sorted(done.stdout.decode().split()) == sorted(loaded.split())
