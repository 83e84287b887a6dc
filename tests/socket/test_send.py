"""The command `udsd-send`, as a process: what it sends, where to, and how it says that it could not."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import open_files, until_asleep
from tests.socket.sending import CLIENT, bound, end, environ, fill, received, run, send, send_with_run, started, write
from tests.socket.terminal import Terminal
from tests.source import TOP
from udsd import __version__, formats
from udsd.send import encoding, work

# Privileges are dropped after the imports, that of what prints errors included: nobody may be unable to read the
# directory that this checkout is in.
_AS_NOBODY = """
import os, sys
import udsd.send.terminal
from udsd.send.cli import main
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(main())
"""


def until_said(process: subprocess.Popen[bytes], line: str) -> None:
    """Wait for a line on its standard error, which must be the next one."""
    assert process.stderr is not None
    found = b""
    while not found.endswith(b"\n"):
        found += process.stderr.read(1)
    assert found.decode() == line


def waits_for_room(pid: int) -> bool:
    """Whether a client sleeps with a socket open. Where it has something to send, that is in send(2)."""
    return any("socket:" in link for link in open_files(pid))


def until_it_waits_for_room(process: subprocess.Popen[bytes]) -> None:
    """Wait until a client sleeps in send(2)."""
    while not waits_for_room(process.pid):
        assert process.poll() is None


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The path that the client sends to."""
    return str(tmp_path / "udsd.sock")


@pytest.fixture
def server(address: str) -> Iterator[socket.socket]:
    with bound(address) as listening:
        yield listening


# Words


@pytest.mark.parametrize(
    ("words", "datagram"),
    [
        (["hello"], b"hello"),
        (["several", "words"], b"several words"),
        (["two  spaces", " kept ", "\ttoo"], b"two  spaces  kept  \ttoo"),
        (["two\nlines\n"], b"two\nlines\n"),
        ([""], b""),
        (["", ""], b" "),
        (["ä€𝄞"], b"\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e"),
        ([b"caf\xe9", b"\xff\xfe"], b"caf\xe9 \xff\xfe"),
        (["--timeout=5", b"caf\xe9"], b"caf\xe9"),
        (["DONE"], b"DONE"),
        (["-"], b"-"),
        (["--", "hello"], b"hello"),
        (["--", ""], b""),
        (["--", "-x"], b"-x"),
        (["--", "-u", "--timeout"], b"-u --timeout"),
        (["--", "--help"], b"--help"),
        (["--", "--"], b"--"),
        (["--", "one", "--", "two"], b"one -- two"),
        (["--", "-x", "--"], b"-x --"),
        (["--timeout", "5", "--", "-x", "--", "y"], b"-x -- y"),
        (["one", "--", "-x"], b"one -x"),
        (["--timeout", "5", "one", "two"], b"one two"),
        (["one", "--timeout", "5", "two"], b"one two"),
        (["one", "two", "--timeout", "5"], b"one two"),
        (["", "--timeout", "5"], b""),
    ],
)
def test_the_words_with_spaces_between_are_one_datagram(
    words: list[str | bytes], datagram: bytes, address: str, server: socket.socket
) -> None:
    assert send(*words, lines=b"not this\n", UDSD_SOCKET=address) == (0, "")
    assert received(server) == [datagram]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("options", [[], ["--timeout", "5"]], ids=["plain", "option"])
def test_the_bytes_of_a_word_are_the_same_in_every_locale(
    options: list[str], locale: str, address: str, server: socket.socket
) -> None:
    assert send(*options, b"\xc3\xa4 \xe9", UDSD_SOCKET=address, LC_ALL=locale) == (0, "")
    assert received(server) == [b"\xc3\xa4 \xe9"]


# Lines of standard input


@pytest.mark.parametrize(
    ("lines", "datagrams"),
    [
        (b"", []),
        (b"one\n", [b"one"]),
        (b"one\ntwo\nthree\n", [b"one", b"two", b"three"]),
        (b"\n", [b""]),
        (b"\none\n\n\ntwo\n", [b"", b"one", b"", b"", b"two"]),
        (b"one", [b"one"]),
        (b"one\ntwo", [b"one", b"two"]),
        (b" one \t\n", [b" one \t"]),
        (b"one\r\n\rtwo\r", [b"one\r", b"\rtwo\r"]),
        (b"o\x0bn\x0ce\x1c\xc2\x85\xe2\x80\xa8\n", [b"o\x0bn\x0ce\x1c\xc2\x85\xe2\x80\xa8"]),
        (b"\xff\xfe\ncaf\xe9\n", [b"\xff\xfe", b"caf\xe9"]),
        (b"\0one\0two\0\n\0\n", [b"\0one\0two\0", b"\0"]),
        (b"x" * 100_000 + b"\nshort\n", [b"x" * 100_000, b"short"]),
        (b"DONE\nmore\n", [b"DONE", b"more"]),
        (b"-u\n--\n--help\n", [b"-u", b"--", b"--help"]),
    ],
    ids=[
        "nothing",
        "one",
        "three",
        "empty",
        "empty-between",
        "one-unended",
        "last-unended",
        "blanks",
        "carriage-returns",
        "no-line-ends-but-newline",
        "invalid-utf-8",
        "nul",
        "100000-bytes",
        "done",
        "no-options",
    ],
)
@pytest.mark.parametrize("options", [[], ["--timeout", "5"], ["--"]], ids=["plain", "option", "dashes"])
def test_each_line_is_a_datagram(
    options: list[str], lines: bytes, datagrams: list[bytes], address: str, server: socket.socket
) -> None:
    assert send(*options, lines=lines, UDSD_SOCKET=address) == (0, "")
    assert received(server) == datagrams


@pytest.mark.parametrize("where", ["directory", "lock"])
@pytest.mark.parametrize("options", [[], ["-e"], ["-f", "-"]], ids=["plain", "option", "file"])
def test_a_line_done_is_a_message_to_udsd(options: list[str], where: str, tmp_path: Path) -> None:
    """A script's last line of output may be DONE. To any other server it goes as it is: see above."""
    path = tmp_path / ("udsd" if where == "directory" else "own") / "log.sock"
    path.parent.mkdir()
    if where == "lock":
        Path(f"{path}.lock").touch()
    with bound(path) as server:
        assert send(*options, lines=b"one\nDONE\n", UDSD_SOCKET=str(path)) == (0, "")
        datagrams = received(server)
        assert send("DONE", UDSD_SOCKET=str(path)) == send("--done", UDSD_SOCKET=str(path)) == (0, "")
        assert received(server) == [b"DONE", b"DONE"]
    assert datagrams == [b"one", work.STOP_AS_MESSAGE] == [b"one", encoding.plain().whole(b"DONE")]
    assert list(formats.parser("auto")(work.STOP_AS_MESSAGE)[0]) == [("PRIORITY", b"6"), ("MESSAGE", b"DONE")]


def test_a_line_is_sent_as_soon_as_it_is_written(address: str, server: socket.socket) -> None:
    with started(UDSD_SOCKET=address) as process:
        for line in b"one", b"two", b"":
            write(process, line + b"\n")
            assert server.recv(100) == line
        slept = until_asleep(process.pid)
        write(process, b"unended")
        until_asleep(process.pid, after=slept)
        assert received(server) == []
        assert end(process) == (0, "")
    assert received(server) == [b"unended"]


def test_more_lines_than_the_queue_holds_arrive_all_and_in_order(address: str, server: socket.socket) -> None:
    lines = [b"%d" % number for number in range(3000)]
    with started(UDSD_SOCKET=address) as process:
        write(process, b"\n".join(lines))
        assert process.stdin is not None
        process.stdin.close()
        assert [server.recv(100) for _ in lines] == lines
        assert process.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("stdin", "status", "said"),
    [("<&-", os.EX_NOINPUT, "standard input is closed"), ("0>/dev/null", os.EX_IOERR, "standard input: Bad file")],
    ids=["closed", "write-only"],
)
def test_standard_input_that_cannot_be_read_is_an_error(
    stdin: str, status: int, said: str, address: str, server: socket.socket
) -> None:
    ended, stderr = run(["sh", "-c", f'exec "$@" {stdin}', "sh", *CLIENT], UDSD_SOCKET=address)
    assert (ended, said in stderr, "Traceback" in stderr) == (status, True, False), stderr
    assert received(server) == []


def test_a_folder_as_standard_input_is_an_error(address: str, server: socket.socket) -> None:
    status, stderr = run(["sh", "-c", 'exec "$@" </', "sh", *CLIENT], UDSD_SOCKET=address)
    assert status in (1, os.EX_IOERR)  # 1 where Python itself refuses to start with it
    assert "directory" in stderr
    assert received(server) == []


def test_words_do_not_need_standard_input(address: str, server: socket.socket) -> None:
    assert run(["sh", "-c", 'exec "$@" <&-', "sh", *CLIENT, "hello"], UDSD_SOCKET=address) == (0, "")
    assert received(server) == [b"hello"]


# Which socket


@pytest.mark.parametrize(
    "words",
    [["-u", "PATH", "one", "two"], ["one", "-u", "PATH", "two"], ["one", "two", "-u", "PATH"]],
    ids=["before", "between", "after"],
)
def test_the_option_names_the_socket(words: list[str], address: str, server: socket.socket) -> None:
    assert send(*[address if word == "PATH" else word for word in words]) == (0, "")
    assert received(server) == [b"one two"]


def test_the_option_wins_over_the_variable(address: str, server: socket.socket, tmp_path: Path) -> None:
    with bound(tmp_path / "other.sock") as other:
        assert send("-u", address, "hello", UDSD_SOCKET=other.getsockname()) == (0, "")
        assert received(other) == []
    assert received(server) == [b"hello"]


@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_an_abstract_socket_is_named_with_an_at_sign(by_option: bool) -> None:
    name = f"udsd-test-{os.getpid()}"
    with bound(f"\0{name}") as server:
        if by_option:
            assert send("-u", f"@{name}", "hello") == (0, "")
        else:
            assert send("hello", UDSD_SOCKET=f"@{name}") == (0, "")
        assert received(server) == [b"hello"]


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("there", "environment", "taken"),
    [
        (["system", "user"], ["XDG_RUNTIME_DIR"], "system"),
        (["user"], ["XDG_RUNTIME_DIR"], "user"),
        (["system"], ["XDG_RUNTIME_DIR"], "system"),
        (["system"], [], "system"),
        (["system", "user", "named"], ["XDG_RUNTIME_DIR", "UDSD_SOCKET"], "named"),
    ],
    ids=["both", "user", "system", "no-runtime-folder", "named"],
)
def test_the_named_socket_then_the_systems_then_the_users(
    there: list[str], environment: list[str], taken: str, tmp_path: Path
) -> None:
    folders = {name: tmp_path / name / "udsd" for name in ("system", "user", "named")}
    variables = {
        "XDG_RUNTIME_DIR": str(folders["user"].parent),
        "UDSD_SOCKET": str(folders["named"] / "udsd.sock"),
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(bound(folders[name] / "udsd.sock")) for name in there}
        chosen = {name: variables[name] for name in environment}
        assert send_with_run(folders["system"].parent, "hello", **chosen) == (0, "")
        assert [name for name, server in servers.items() if received(server) == [b"hello"]] == [taken]


@pytest.mark.needs_root
def test_where_no_socket_is_named_the_error_names_both(tmp_path: Path) -> None:
    status, stderr = send_with_run(tmp_path, "hello", XDG_RUNTIME_DIR=str(tmp_path))
    assert status == os.EX_UNAVAILABLE
    for part in "/run/udsd/udsd.sock", f"{tmp_path}/udsd/udsd.sock", "no such socket", "systemctl start", "-u":
        assert part in stderr


@pytest.mark.needs_root
def test_without_a_runtime_folder_there_is_no_socket_of_the_user(tmp_path: Path) -> None:
    status, stderr = send_with_run(tmp_path, "hello")
    assert status == os.EX_UNAVAILABLE
    assert stderr.startswith("udsd-send: /run/udsd/udsd.sock: no such socket\n")


@pytest.mark.needs_root
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_where_one_socket_is_named_no_other_is_tried(by_option: bool, tmp_path: Path) -> None:
    named = str(tmp_path / "named.sock")
    (tmp_path / "udsd").mkdir()
    with bound(tmp_path / "udsd/udsd.sock") as system:
        words, environment = (["-u", named], {}) if by_option else ([], {"UDSD_SOCKET": named})
        status, stderr = send_with_run(tmp_path, *words, "hello", **environment)
        assert received(system) == []
    assert status == os.EX_UNAVAILABLE
    assert stderr.startswith(f"udsd-send: {named}: no such socket\n")


# Errors that name the socket and the remedy


def nothing(_: str) -> AbstractContextManager[object]:
    return nullcontext()


def stale(path: str) -> AbstractContextManager[object]:
    server = bound(path)
    server.close()
    return server


def shut(path: str) -> AbstractContextManager[object]:
    server = bound(path)
    server.shutdown(socket.SHUT_RD)
    return server


def stream(path: str) -> AbstractContextManager[object]:
    server = bound(path, socket.SOCK_STREAM)
    server.listen()
    return server


def regular(path: str) -> AbstractContextManager[object]:
    return open(path, "xb")


@pytest.mark.parametrize(
    ("make", "what", "remedy"),
    [
        (nothing, "no such socket", "start the program"),
        (stale, "nobody listens", "start the program"),
        (shut, "nobody listens", "start the program"),
        (stream, "not a datagram socket", "-u PATH"),
        (regular, "nobody listens", "start the program"),  # the kernel tells it no different from a stale socket
    ],
)
@pytest.mark.parametrize("lines", [False, True], ids=["word", "line"])
def test_a_socket_that_takes_nothing_is_unavailable(
    lines: bool, make: Callable[[str], AbstractContextManager[object]], what: str, remedy: str, address: str
) -> None:
    with make(address):
        status, stderr = send(*[] if lines else ["hello"], lines=b"hello\n", UDSD_SOCKET=address)
    # One socket takes the connection, so only the line is refused.
    said = stderr.replace("udsd-send: line 1: ", "udsd-send: ")
    assert (status, said.startswith(f"udsd-send: {address}: {what}")) == (os.EX_UNAVAILABLE, True), stderr
    assert remedy in stderr.splitlines()[-1]


def test_a_file_in_place_of_a_folder_is_unavailable(address: str, server: socket.socket) -> None:
    status, stderr = send("-u", f"{address}/udsd.sock", "hello")
    assert (status, stderr.startswith(f"udsd-send: {address}/udsd.sock: ")) == (os.EX_UNAVAILABLE, True), stderr


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("folder_mode", "socket_mode", "allowed"),
    [(0o755, 0o666, True), (0o755, 0o600, False), (0o700, 0o666, False)],
    ids=["open", "socket-private", "folder-private"],
)
def test_who_is_not_allowed_is_told_so(folder_mode: int, socket_mode: int, allowed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, bound(f"{folder}/udsd.sock") as server:
        address = server.getsockname()
        os.chmod(address, socket_mode)
        os.chmod(folder, folder_mode)
        status, stderr = run([sys.executable, "-c", _AS_NOBODY, "hello"], UDSD_SOCKET=address)
        assert received(server) == ([b"hello"] if allowed else [])
    if allowed:
        assert (status, stderr) == (0, "")
    else:
        assert status == os.EX_NOPERM
        for part in f"{address}: not allowed", "owner and mode":
            assert part in stderr


def test_a_path_of_107_bytes_is_the_longest(tmp_path: Path) -> None:
    longest = f"{tmp_path}/".ljust(107, "x")
    with bound(longest) as server:
        assert send("-u", longest, "hello") == (0, "")
        assert received(server) == [b"hello"]
    status, stderr = send("-u", longest + "x", "hello")
    assert (status, stderr.startswith(f"udsd-send: {longest}x: too long")) == (os.EX_USAGE, True), stderr
    for part in "108 bytes, the limit is 107", "shorter path":
        assert part in stderr


@pytest.mark.parametrize("name", ["", "@"])
def test_a_name_that_no_socket_can_have_is_a_usage_error(name: str, address: str, server: socket.socket) -> None:
    status, stderr = send("-u", name, "hello", UDSD_SOCKET=address)
    assert (status, f"{name!r} cannot name a socket" in stderr) == (os.EX_USAGE, True), stderr
    assert received(server) == []


def test_a_path_that_is_not_utf_8_can_be_told(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "caf") + b"\xe9"
    status, stderr = send("-u", path, "hello")
    assert (status, "caf\\udce9: no such socket" in stderr) == (os.EX_UNAVAILABLE, True), stderr


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_the_exit_status_holds_where_the_error_cannot_be_printed(where: str, address: str) -> None:
    ended = run(["sh", "-c", f'exec "$@" {where}', "sh", *CLIENT, "-u", address, "hello"])
    assert ended == (os.EX_UNAVAILABLE, "")


def test_the_exit_status_holds_where_nobody_reads_the_error(address: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as broken:
        done = subprocess.run([*CLIENT, "-u", address, "hello"], cwd=TOP, stderr=broken, timeout=SECONDS, check=False)
    assert done.returncode == os.EX_UNAVAILABLE


# Input that does not block


def test_input_that_another_program_has_made_non_blocking_is_waited_for(address: str, server: socket.socket) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    command = [*CLIENT, "-u", address]
    with (
        open(reading, "rb") as stdin,
        open(writing, "wb", buffering=0) as lines,
        subprocess.Popen(command, cwd=TOP, stdin=stdin, stderr=subprocess.PIPE) as process,
    ):
        slept = until_asleep(process.pid)
        lines.write(b"one\ntw")
        assert server.recv(100) == b"one"
        until_asleep(process.pid, after=slept)
        lines.write(b"o\nunended")
        assert server.recv(100) == b"two"
        lines.close()
        assert end(process) == (0, "")
    assert received(server) == [b"unended"]


# A queue that is full


@pytest.mark.parametrize("seconds", ["0.2", "1e-09"])
def test_words_that_find_no_room_in_time_are_a_temporary_failure(
    seconds: str, address: str, server: socket.socket
) -> None:
    fill(address)
    status, stderr = send("--timeout", seconds, "hello", UDSD_SOCKET=address)
    assert status == os.EX_TEMPFAIL
    for part in f"{address}: the queue was full for {seconds} s", "--timeout":
        assert part in stderr
    assert b"hello" not in received(server)


def test_lines_that_find_no_room_in_time_are_reported_and_the_rest_goes_on(address: str, server: socket.socket) -> None:
    fill(address)
    for _ in range(2):
        server.recv(1)
    with started("--timeout", "0.2", UDSD_SOCKET=address) as process:
        write(process, b"one\ntwo\nthree\nfour\nfive\n")
        until_said(process, f"udsd-send: line 3: {address}: the queue was full for 0.2 s\n")
        until_asleep(process.pid)  # at the end of its input: it waits no more for each line
        assert received(server)[-3:] == [b"", b"one", b"two"]
        write(process, b"six\n")
        assert server.recv(100) == b"six"
        status, stderr = end(process)
    assert status == os.EX_TEMPFAIL
    for part in "udsd-send: lines 4 to 5: the same\n", "lines not sent: 3; lines sent: 3\n", "--timeout":
        assert part in stderr


def test_after_a_line_got_through_lines_wait_again(address: str, server: socket.socket) -> None:
    with started("--timeout", "0.3", UDSD_SOCKET=address) as process:
        for number in 1, 3:
            fill(address)
            before = time.monotonic()
            write(process, b"x\n")
            until_said(process, f"udsd-send: line {number}: {address}: the queue was full for 0.3 s\n")
            assert time.monotonic() - before >= 0.3
            received(server)
            write(process, b"there is room\n")
            assert server.recv(100) == b"there is room"


@pytest.mark.parametrize("options", [[], ["--timeout", "30"]], ids=["no-limit", "in-time"])
def test_a_full_queue_is_waited_for(options: list[str], address: str, server: socket.socket) -> None:
    fill(address)
    with started(*options, "hello", UDSD_SOCKET=address) as process:
        until_it_waits_for_room(process)
        found = received(server)
        assert end(process) == (0, "")
    assert (found + received(server))[-1] == b"hello"


# Ends in the middle


def test_the_lines_go_on_to_what_replaces_the_server(address: str, server: socket.socket) -> None:
    with started(UDSD_SOCKET=address) as process:
        write(process, b"one\n")
        assert server.recv(100) == b"one"
        slept = until_asleep(process.pid)
        server.close()
        Path(address).unlink()
        write(process, b"two\nthree\n")
        until_asleep(process.pid, after=slept)  # it looks for the socket, which is not there yet
        with bound(address) as successor:
            assert [successor.recv(100), successor.recv(100)] == [b"two", b"three"]
            assert end(process) == (0, "")


def test_lines_that_wait_for_room_go_to_what_replaces_the_server(address: str, server: socket.socket) -> None:
    fill(address)
    server.recv(1)
    with started(UDSD_SOCKET=address) as process:
        write(process, b"one\ntwo\nthree\n")
        until_it_waits_for_room(process)
        Path(address).unlink()
        with bound(address) as successor:
            server.close()
            assert [successor.recv(100), successor.recv(100)] == [b"two", b"three"]
            assert end(process) == (0, "")


def test_lines_go_on_while_nobody_listens_and_are_sent_when_somebody_does(address: str, server: socket.socket) -> None:
    with started("--timeout", "0.2", UDSD_SOCKET=address) as process:
        write(process, b"line\n")
        assert server.recv(100) == b"line"
        server.close()
        write(process, b"lost\n" * 1000)
        until_said(process, f"udsd-send: line 2: {address}: nobody listens on this socket\n")
        until_asleep(process.pid)
        Path(address).unlink()
        with bound(address) as successor:
            write(process, b"found\n")
            assert successor.recv(100) == b"found"
            status, stderr = end(process)
    assert status == os.EX_UNAVAILABLE
    for part in "lines 3 to 1001: the same\n", "lines not sent: 1000; lines sent: 2\n", "start the program":
        assert part in stderr


def test_a_server_that_goes_away_with_a_full_queue_is_reported(address: str, server: socket.socket) -> None:
    fill(address)
    server.recv(1)
    with started("--timeout", "30", UDSD_SOCKET=address) as process:
        write(process, b"one\ntwo\n")
        until_it_waits_for_room(process)
        server.close()
        status, stderr = end(process)
    assert (status, "lines not sent: 1; lines sent: 1\n" in stderr) == (os.EX_UNAVAILABLE, True), stderr


def test_an_interrupt_between_lines_ends_it_and_the_lines_sent_are_told(address: str, server: socket.socket) -> None:
    with started(UDSD_SOCKET=address) as process:
        write(process, b"one\ntwo\nunended")
        assert [server.recv(100), server.recv(100)] == [b"one", b"two"]
        until_asleep(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == -signal.SIGINT
        assert end(process) == (-signal.SIGINT, "udsd-send: interrupted; lines sent before: 2\n")
    assert received(server) == []


@pytest.mark.parametrize("words", [["hello"], []], ids=["word", "line"])
def test_an_interrupt_while_the_queue_is_full_ends_it(words: list[str], address: str, server: socket.socket) -> None:
    fill(address)
    with started(*words, UDSD_SOCKET=address) as process:
        write(process, b"hello\n")
        until_it_waits_for_room(process)
        process.send_signal(signal.SIGINT)
        status, stderr = end(process)
    assert (status, "interrupted" in stderr, "Traceback" in stderr) == (-signal.SIGINT, True, False), stderr
    assert b"hello" not in received(server)


def test_an_interrupt_ends_the_loop_of_a_shell_too(address: str, server: socket.socket) -> None:
    fill(address)
    loop = 'for i in 1 2; do "$@"; echo went on with $? >&2; done'
    with started("hello", before=["bash", "-c", loop, "bash"], own_group=True, UDSD_SOCKET=address) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not any(waits_for_room(int(pid)) for pid in children.read_text().split()):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        assert end(process) == (-signal.SIGINT, "udsd-send: interrupted\n")


# Options


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-x"], "-x"),
        (["hello", "--verbose"], "--verbose"),
        (["--t", "5", "hello"], "--tag or --timeout"),
        (["--done=1"], "--done takes no value"),
        (["-u"], "-u"),
        (["--timeout"], "--timeout"),
        *[
            (["--timeout", wrong, "hello"], "number of seconds")
            for wrong in ("soon", "0", "-1", "nan", "inf", "1e7", "")
        ],
    ],
)
def test_a_wrong_option_is_a_usage_error(words: list[str], said: str, address: str, server: socket.socket) -> None:
    status, stderr = send(*words, lines=b"not this\n", UDSD_SOCKET=address)
    assert (status, said in stderr, "udsd-send --help" in stderr) == (os.EX_USAGE, True, True), stderr
    assert received(server) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--help", ["usage: udsd-send", "--socket PATH", "--timeout SECONDS", "MESSAGE", "$UDSD_SOCKET"]),
        ("--version", [f"udsd-send {__version__}\n"]),
    ],
)
def test_help_and_version_need_no_socket(option: str, said: list[str], address: str) -> None:
    done = subprocess.run(
        [*CLIENT, option, "hello"],
        cwd=TOP,
        env=environ({"UDSD_SOCKET": address}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for part in said:
        assert part in done.stdout


# The prompt


@pytest.fixture
def terminal(address: str, server: socket.socket) -> Iterator[Terminal]:
    """A client that prompts."""
    with Terminal(*CLIENT, UDSD_SOCKET=address) as started:
        started.until(b"> ")
        yield started


def test_each_line_typed_is_sent_and_prompted_for(terminal: Terminal, server: socket.socket) -> None:
    for line in "hello", "", " two  words ", "done", "DONE now", "-u":
        terminal.type(f"{line}\r")
        assert server.recv(100) == line.encode()
        terminal.until(b"> ")


@pytest.mark.parametrize(
    ("keys", "datagrams"),
    [("DONE\r", [b"DONE"]), ("\x04", []), ("\x03", []), ("unfinished\x03", [])],
    ids=["DONE", "Ctrl-D", "Ctrl-C", "Ctrl-C-in-line"],
)
def test_the_prompt_ends(keys: str, datagrams: list[bytes], terminal: Terminal, server: socket.socket) -> None:
    terminal.type("hello\r")
    terminal.until(b"> ")
    until_asleep(terminal.process.pid)  # Python's readline can miss a signal until it waits for a key
    terminal.type(keys)
    assert terminal.end() == 0
    assert received(server) == [b"hello", *datagrams]
    assert b"Traceback" not in terminal.shown
    assert b"udsd-send:" not in terminal.shown


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        ("helo\x1b[Dl\r", b"hello"),
        ("ello\x01h\r", b"hello"),
        ("hellx\x7fo\r", b"hello"),
        ("\x1b[A\r", b"second"),
        ("\x1b[A\x1b[A\r", b"first"),
        ("\x1b[A\x1b[A\x1b[B again\r", b"second again"),
    ],
    ids=["left", "start-of-line", "backspace", "up", "up-up", "up-up-down-edit"],
)
def test_lines_are_edited_and_remembered(keys: str, sent: bytes, terminal: Terminal, server: socket.socket) -> None:
    for line in "first", "second":
        terminal.type(f"{line}\r")
        terminal.until(b"> ")
    terminal.type(keys)
    assert [server.recv(100) for _ in range(3)] == [b"first", b"second", sent]


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_ALL": "C.UTF-8"}], ids=["none", "C", "UTF-8"])
def test_what_is_typed_arrives_as_utf_8(locale: dict[str, str], address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, UDSD_SOCKET=address, **locale) as terminal:
        terminal.until(b"> ")
        terminal.type("ä€𝄞\x1b[Dß\r")
        assert server.recv(100) == "ä€ß𝄞".encode()


def test_bytes_typed_that_are_not_utf_8_arrive_where_there_is_no_line_editing(
    address: str, server: socket.socket
) -> None:
    words = ["sh", "-c", 'exec "$@" >/dev/null', "sh", *CLIENT]
    with Terminal(*words, UDSD_SOCKET=address, PYTHONIOENCODING="utf-8:strict") as terminal:
        terminal.type(b"caf\xe9\nDONE\n")
        assert terminal.end() == 0
    assert received(server) == [b"caf\xe9", b"DONE"]


def test_words_on_a_terminal_are_sent_without_a_prompt(address: str, server: socket.socket) -> None:
    with Terminal(*CLIENT, "hello", UDSD_SOCKET=address) as terminal:
        assert terminal.end() == 0
        assert terminal.shown == b""
    assert received(server) == [b"hello"]


def test_a_terminal_is_not_prompted_on_where_there_is_no_socket(address: str) -> None:
    with Terminal(*CLIENT, UDSD_SOCKET=address) as terminal:
        assert terminal.end() == os.EX_UNAVAILABLE
        assert terminal.shown.startswith(f"udsd-send: {address}: no such socket".encode())


def test_a_typed_line_that_is_not_sent_is_reported_and_the_prompt_goes_on(
    address: str, terminal: Terminal, server: socket.socket
) -> None:
    terminal.type("hello\r")
    terminal.until(b"> ")
    server.close()
    terminal.type("two\r")
    terminal.until(f"udsd-send: line 2: {address}: nobody listens on this socket\r\n".encode())
    terminal.until(b"> ")
    Path(address).unlink()
    with bound(address) as successor:
        terminal.type("three\r")
        assert successor.recv(100) == b"three"
        terminal.until(b"> ")
        terminal.type("\x04")
        assert terminal.end() == os.EX_UNAVAILABLE
    assert b"lines not sent: 1; lines sent: 2\r\n" in terminal.shown


def test_ctrl_c_while_a_typed_line_waits_for_room_is_no_success(
    address: str, terminal: Terminal, server: socket.socket
) -> None:
    fill(address)
    terminal.type("hello\r")
    terminal.until(b"hello")
    until_it_waits_for_room(terminal.process)
    terminal.type("\x03")
    assert terminal.end() == -signal.SIGINT
    assert b"interrupted; lines sent before: 0\r\n" in terminal.shown
    assert b"Traceback" not in terminal.shown
    assert b"hello" not in received(server)
