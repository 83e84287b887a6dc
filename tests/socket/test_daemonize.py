"""udsd --detach --pidfile: for start scripts, which go on when the daemon is ready, or know why it is not."""

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import PROCESSES_ALONE, UDSD, Journald, Start, messages, open_files, sender, with_journald
from tests.socket.terminal import Terminal
from tests.source import TOP

_SUBREAPER = 36  # prctl(2)

# Holds what --detach starts, on its way into the background, until the FIFO of this name has a writer that goes.
_HOLD = """\
import os
setsid = os.setsid
def held():
    setsid()
    open(os.environ["HOLD"]).read()
os.setsid = held
"""

_BREAK = """\
import os
def broken():
    raise RuntimeError("a bug")
os.setsid = broken
"""


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


class Site:
    """Where daemons run in the background. They become children of the test, which can wait for them so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "udsd.sock"
        self.pidfile = folder / "udsd.pid"
        self.out = folder / "out"
        self.err = folder / "err"

    def words(self, *options: str) -> list[str]:
        """A start with entries on standard output, unless the options say otherwise."""
        usual = ["--sink=console", "--listen", str(self.path), "--pidfile", str(self.pidfile)]
        return [*UDSD, "--detach", *usual, *options]

    def popen(
        self, words: Sequence[str], cwd: Path = TOP, keep: Sequence[int] = (), **environment: str
    ) -> "subprocess.Popen[bytes]":
        with self.out.open("ab") as out, self.err.open("ab") as err:
            return subprocess.Popen(
                words,
                cwd=cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=keep,
            )

    def start(self, *options: str) -> int:
        """The exit status of the process that starts the daemon."""
        return self.popen(self.words(*options)).wait(SECONDS)

    def started(self, *options: str) -> int:
        """The pid of a daemon that has been started."""
        assert self.start(*options) == 0, self.said()
        return self.pid()

    def pid(self) -> int:
        content = self.pidfile.read_text()
        assert content == f"{int(content)}\n"
        return int(content)

    def said(self) -> str:
        return self.err.read_text()

    def lines(self) -> list[bytes]:
        """The messages of the entries, without udsd's own."""
        return messages([line for line in self.out.read_bytes().splitlines() if b" udsd: " not in line])

    def own(self) -> str:
        """What udsd says, which goes where the entries go."""
        return "".join(line for line in self.out.read_text().splitlines(keepends=True) if " udsd: " in line)

    def send(self, *payloads: bytes) -> None:
        with sender(self.path) as client:
            for payload in payloads:
                client.send(payload)

    def ended(self, pid: int) -> int:
        """Wait for the end of a daemon; its exit status, less than 0 for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def stop(self, pid: int) -> int:
        os.kill(pid, signal.SIGTERM)
        return self.ended(pid)

    def left(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir() if file not in (self.out, self.err))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    before = children()
    libc = ctypes.CDLL(None)
    assert libc.prctl(_SUBREAPER, 1, 0, 0, 0) == 0
    yield Site(folder)
    libc.prctl(_SUBREAPER, 0, 0, 0, 0)
    for pid in set(children()).difference(before):
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def test_when_the_start_is_over_the_daemon_is_ready(site: Site) -> None:
    for number in range(5):
        pid = site.started()
        site.send(b"at once %d" % number)
        assert site.stop(pid) == 0
        assert site.left() == []
    assert site.lines() == [b"at once %d" % number for number in range(5)]


def test_it_has_nothing_of_those_who_started_it(site: Site) -> None:
    mine = os.open(TOP / "README.md", os.O_RDONLY)
    try:
        starter = site.popen(site.words(), keep=[mine])
        assert starter.wait(SECONDS) == 0
    finally:
        os.close(mine)
    pid = site.pid()
    process = Path(f"/proc/{pid}")
    assert os.getsid(pid) not in (os.getsid(0), pid, starter.pid), "a session of its own, which it does not lead"
    assert os.getpgid(pid) == os.getsid(pid)
    assert os.readlink(process / "cwd") == "/"
    assert "\nUmask:\t0022\n" in (process / "status").read_text()
    files = {int(link.name): os.readlink(link) for link in (process / "fd").iterdir()}
    assert files[0] == os.devnull
    assert (files[1], files[2]) == (str(site.out), str(site.err))
    assert str(TOP / "README.md") not in files.values()
    assert sum(file.startswith("pipe:") for file in files.values()) == 2, "that of signals, and not that of the start"
    assert site.stop(pid) == 0


def test_it_allows_itself_fewer_descriptors_than_python_daemon_could_count(site: Site) -> None:
    """In a container the limit may be a billion, and python-daemon 2.3 makes a set of so many numbers."""
    pid = site.started()
    (limits,) = [row for row in Path(f"/proc/{pid}/limits").read_text().splitlines() if "open files" in row]
    assert int(limits.split()[-2]) <= 4096
    assert site.stop(pid) == 0


def test_a_second_start_names_the_one_that_runs(site: Site) -> None:
    pid = site.started()
    assert site.start("--listen", str(site.folder / "another.sock")) == os.EX_UNAVAILABLE
    assert f"{site.pidfile}: the daemon of this pid file runs already, with pid {pid}\n" in site.said()
    assert site.pid() == pid
    assert site.left() == ["udsd.pid", "udsd.sock", "udsd.sock.lock"]
    site.send(b"still here")
    assert site.stop(pid) == 0
    assert site.lines() == [b"still here"]


@pytest.mark.needs_root
def test_a_second_start_names_the_one_that_runs_also_where_proc_shows_processes_alone(site: Site) -> None:
    pid = site.started()
    assert site.popen([*PROCESSES_ALONE, *site.words()]).wait(SECONDS) == os.EX_UNAVAILABLE
    assert f"{site.pidfile}: the daemon of this pid file runs already, with pid {pid}\n" in site.said()
    assert site.stop(pid) == 0


@pytest.mark.parametrize("shared", ["pidfile", "socket", "both"])
def test_of_twenty_starts_at_once_one_wins(site: Site, shared: str) -> None:
    def options(number: int) -> list[str]:
        pidfile = ["--pidfile", str(site.folder / f"{number}.pid")] if shared == "socket" else []
        # One --listen more does not replace that of `words`.
        listen = str(site.folder / (f"{number}.sock" if shared == "pidfile" else "udsd.sock"))
        return [*UDSD, "--detach", "--sink=console", "--pidfile", str(site.pidfile), *pidfile, "--listen", listen]

    before = children()
    starters = [site.popen(options(number)) for number in range(20)]
    statuses = [starter.wait(SECONDS) for starter in starters]
    assert sorted(statuses) == [os.EX_OK] + 19 * [os.EX_UNAVAILABLE]
    winner = statuses.index(os.EX_OK)
    if shared == "socket":
        site.pidfile = site.folder / f"{winner}.pid"
    if shared == "pidfile":
        site.path = site.folder / f"{winner}.sock"
    pid = site.pid()
    wait_for_all_but(pid, before)
    assert "Traceback" not in site.said()
    refusals = site.said().count("runs already") + site.said().count("is in use by")
    assert refusals == 19
    site.send(b"hello")
    assert site.stop(pid) == 0
    assert site.lines() == [b"hello"]
    assert site.left() == []


def wait_for_all_but(pid: int, before: list[int]) -> None:
    """Wait for the losers in the background, which have told of their end and may not have ended."""
    for loser in set(children()).difference({pid, *before}):
        os.waitpid(loser, 0)


@pytest.mark.parametrize("stale", [str(os.getpid()), "4194304\n", ""], ids=["alive", "nobody", "empty"])
def test_a_stale_pid_file_is_taken_over_whoever_has_that_pid(site: Site, stale: str) -> None:
    site.pidfile.write_text(stale)
    pid = site.started()
    assert pid not in (os.getpid(), 4194304)
    assert site.stop(pid) == 0
    assert site.left() == []


def test_a_file_that_is_no_pid_file_is_untouched(site: Site) -> None:
    site.pidfile.write_text("precious\n")
    assert site.start() == os.EX_CANTCREAT
    assert site.said() == f"udsd: {site.pidfile} is not a pid file: left as it is\nudsd: name another\n"
    assert site.pidfile.read_text() == "precious\n"
    assert site.left() == ["udsd.pid"]


@pytest.mark.parametrize("option", ["--pidfile", "--listen"])
def test_a_folder_that_is_missing_is_told(site: Site, option: str) -> None:
    nowhere = f"{site.folder}/no/where/x"
    assert site.start(option, nowhere) == os.EX_CANTCREAT
    assert f"{nowhere}: No such file or directory\nudsd: its directory must exist" in site.said()
    assert site.left() == []


@pytest.fixture
def in_use(site: Site) -> Iterator[str]:
    """The site's path with another program on it; the error that says so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(site.path))
        yield f"udsd: {site.path} is in use by another program"


def test_an_error_in_the_background_is_the_error_of_the_start(site: Site, in_use: str) -> None:
    assert site.start() == os.EX_UNAVAILABLE
    assert site.said() == (
        f"{in_use}\nudsd: stop that one first (ss -xap src {site.path} shows it), or name another path with --listen\n"
    )
    assert site.left() == ["udsd.sock"]


def test_an_error_in_the_background_reaches_the_terminal(site: Site, in_use: str) -> None:
    with Terminal("sh", "-c", '"$@" >/dev/null', "sh", *site.words()) as terminal:
        assert terminal.end() == os.EX_UNAVAILABLE
    assert terminal.shown.decode().splitlines()[0] == in_use
    assert terminal.shown.count(b"in use") == 1


def test_entries_for_a_terminal_are_refused_with_a_remedy(site: Site) -> None:
    with Terminal(*site.words()) as terminal:
        assert terminal.end() == os.EX_USAGE
    assert b"\nudsd: write them to a file: udsd --detach ... >>FILE\r\n" in terminal.shown
    assert site.left() == []


@pytest.mark.needs_root
def test_a_terminal_can_be_closed_behind_it(site: Site, journald: Journald) -> None:
    words = [*UDSD, "--detach", "--listen", str(site.path), "--pidfile", str(site.pidfile)]
    with Terminal(*with_journald(journald.path.parent, ["sh"]), PS1="ready> ") as terminal:
        terminal.until(b"ready> ")
        terminal.type(f"{' '.join(words)}; echo status $?\n")
        terminal.until(b"\nstatus 0\r\n")
        pid = site.pid()
        files = open_files(pid)
        assert files.count(os.devnull) == 3
        assert not [file for file in files if file.startswith(("/dev/pts", "/dev/tty"))]
        terminal.process.send_signal(signal.SIGSTOP)  # so that what ends it is the terminal's end
    assert terminal.shown.count(b"\n") == 2, terminal.shown
    site.send(b"without a terminal", b"DONE")
    assert site.ended(pid) == 0
    assert journald.entry()["MESSAGE"] == b"receiving on %s" % os.fsencode(site.path)
    assert journald.messages(1) == [b"without a terminal"]
    assert journald.entry()["MESSAGE"].startswith(b"stopped by DONE from uid 0, ")
    assert site.left() == []


@pytest.mark.needs_root
def test_a_caller_who_reads_until_the_end_is_not_kept_waiting(site: Site, journald: Journald) -> None:
    words = [*UDSD, "--detach", "--listen", str(site.path), "--pidfile", str(site.pidfile)]
    words = with_journald(journald.path.parent, words)
    done = subprocess.run(words, cwd=TOP, capture_output=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert site.stop(site.pid()) == 0


def test_entries_go_to_a_pipe_as_long_as_it_has_a_reader(site: Site) -> None:
    command = '"$@" 2>&1 | cat'
    pipeline = site.popen(["sh", "-c", command, "sh", *site.words()])
    while not site.pidfile.exists() or not site.pidfile.read_text():
        pass
    pid = site.pid()
    site.send(b"hello")
    assert site.stop(pid) == 0
    assert pipeline.wait(SECONDS) == 0
    assert site.out.read_text().splitlines()[0].endswith(f" udsd: receiving on {site.path}")
    assert b"hello" in site.lines()


def test_relative_paths_are_those_of_the_one_who_starts_it(site: Site) -> None:
    words = [*UDSD, "--detach", "--sink=console", "--listen", "json:udsd.sock", "--pidfile", "./udsd.pid"]
    assert site.popen(words, cwd=site.folder, PYTHONPATH=str(TOP)).wait(SECONDS) == 0
    pid = site.pid()
    site.send(b'{"message": "hello"}')
    assert site.stop(pid) == 0
    assert site.lines() == [b"hello"]
    assert site.left() == []


def test_entries_are_appended_to_a_file(site: Site) -> None:
    site.out.write_text("Nov 22 12:00:00 host someone[1]: before\n")
    assert site.start() == 0
    pid = site.pid()
    site.send(b"hello")
    assert site.stop(pid) == 0
    assert site.lines() == [b"before", b"hello"]
    assert f" udsd: receiving on {site.path}\n" in site.own()
    assert "receiving" not in site.said()


def test_a_stop_delivers_what_is_queued_and_leaves_nothing(site: Site) -> None:
    pid = site.started()
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    site.send(*(b"%d" % number for number in range(100)))
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)
    assert site.ended(pid) == 0
    assert site.lines() == [b"%d" % number for number in range(100)]
    assert site.left() == []


def test_what_a_killed_one_has_left_is_in_nobodys_way(site: Site) -> None:
    killed = site.started()
    os.kill(killed, signal.SIGKILL)
    assert site.ended(killed) == -signal.SIGKILL
    assert site.left() == ["udsd.pid", "udsd.sock", "udsd.sock.lock"]
    pid = site.started()
    assert pid != killed
    assert site.stop(pid) == 0
    assert site.left() == []


class Holding:
    """A start that is held half-way, with the daemon in its session and not yet ready."""

    def __init__(self, site: Site) -> None:
        (site.folder / "sitecustomize.py").write_text(_HOLD)
        os.mkfifo(site.folder / "hold")
        folder, hold = str(site.folder), str(site.folder / "hold")
        self.starter = site.popen(site.words(), PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE="1", HOLD=hold)
        self._writer = os.open(site.folder / "hold", os.O_WRONLY)  # waits for the reader
        for name in ("sitecustomize.py", "hold"):
            (site.folder / name).unlink()

    def held(self, before: list[int]) -> int:
        """The process that is held, once its parent has ended, so that it is the test's child."""
        while not (held := set(children()).difference({self.starter.pid, *before})):
            pass
        (pid,) = held
        return pid

    def release(self) -> None:
        os.close(self._writer)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_when_the_starter_is_killed_the_daemon_goes_on(site: Site, number: signal.Signals) -> None:
    before = children()
    holding = Holding(site)
    intermediate = holding.held(before)
    holding.starter.send_signal(number)
    assert holding.starter.wait(SECONDS) == -number
    holding.release()
    assert site.ended(intermediate) == 0
    while not site.pidfile.read_text():
        pass
    pid = site.pid()
    site.send(b"hello")
    assert site.stop(pid) == 0
    assert site.lines() == [b"hello"]
    assert site.left() == []
    assert "Traceback" not in site.said()


def test_when_the_daemon_is_killed_the_starter_does_not_wait(site: Site) -> None:
    before = children()
    holding = Holding(site)
    held = holding.held(before)
    os.kill(held, signal.SIGKILL)
    assert holding.starter.wait(SECONDS) == os.EX_SOFTWARE
    holding.release()
    site.ended(held)
    assert site.said() == "udsd: the background process ended before it was ready\n"
    assert site.stop(site.started()) == 0
    assert site.left() == []


def test_a_start_on_its_way_is_not_taken_for_stale(site: Site) -> None:
    site.pidfile.write_text("1\n")
    before = children()
    holding = Holding(site)
    held = holding.held(before)
    assert site.start() == os.EX_UNAVAILABLE
    assert f"{site.pidfile}: the daemon of this pid file runs already, and is about to start" in site.said()
    holding.release()
    assert holding.starter.wait(SECONDS) == 0
    assert site.ended(held) == 0
    assert site.stop(site.pid()) == 0


def test_a_bug_in_the_background_ends_the_start(site: Site, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_BREAK)
    assert site.popen(site.words(), PYTHONPATH=str(tmp_path)).wait(SECONDS) == os.EX_SOFTWARE
    assert "RuntimeError: a bug\n" in site.said()
    assert site.said().endswith("udsd: the background process ended before it was ready\n")
    assert site.left() == []


@pytest.mark.needs_root
@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("detach", ["--detach", ""])
def test_standard_streams_may_be_closed(site: Site, journald: Journald, closed: str, detach: str) -> None:
    command = f"{UDSD[0]} -m udsd {detach} --listen {site.path} --pidfile {site.pidfile}"
    starter = site.popen(with_journald(journald.path.parent, ["sh", "-c", f"exec {command} {closed}"]))
    if detach:
        assert starter.wait(SECONDS) == 0
    assert journald.entry()["MESSAGE"] == b"receiving on %s" % os.fsencode(site.path)
    pid = site.pid()
    site.send(b"hello", b"DONE")
    assert (site.ended(pid) if detach else starter.wait(SECONDS)) == 0
    assert journald.messages(1) == [b"hello"]
    assert site.left() == []


def test_a_pid_file_in_the_foreground(start: Start, site: Site) -> None:
    daemon = start("--listen", str(site.path), "--sink=console", "--pidfile", str(site.pidfile))
    assert site.pid() == daemon.pid
    assert site.start() == os.EX_UNAVAILABLE
    assert f"with pid {daemon.pid}\n" in site.said()
    site.send(b"hello", b"DONE")
    status, lines, _ = daemon.end()
    assert (status, messages(lines)) == (0, [b"hello"])
    assert site.left() == []


def test_a_pid_file_that_somebody_has_removed_is_not_missed(start: Start, site: Site) -> None:
    daemon = start("--listen", str(site.path), "--sink=console", "--pidfile", str(site.pidfile))
    site.pidfile.unlink()
    site.send(b"DONE")
    status, _, err = daemon.end()
    assert status == 0
    assert "Traceback" not in err


def test_a_pid_file_without_a_name_is_not_taken_for_none(site: Site) -> None:
    assert site.start("--pidfile", "") == os.EX_CANTCREAT
    assert site.left() == []
