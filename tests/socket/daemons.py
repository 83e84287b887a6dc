"""Daemons for tests: real processes on sockets of their own, and a journald that only records."""

import array
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.patience import SECONDS
from tests.source import TOP
from udsd.journal.entry import decode_entry

UDSD = [sys.executable, "-m", "udsd"]
PID = "OBJECT_PID" if os.geteuid() else "UDSD_SENDER_PID"  # in an entry; see rule 7 of senders/registry
QUEUE_LENGTH = 512

# The daemon with a journald of the test's own, in a mount name space of its own.
_OWN_JOURNALD = (
    'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"'
)

# Before a command, as a service with ProcSubset=pid has it: neither /proc/locks nor /proc/net.
PROCESSES_ALONE = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o subset=pid proc /proc && exec "$@"', "sh"]

# What systemd does last before the program runs: the descriptors from 3 on, and for whom they are.
_PASS = 'export LISTEN_PID=$$; exec "$@"'


def with_journald(folder: Path, words: list[str]) -> list[str]:
    """The words that run a command for which journald's socket is the one in `folder`."""
    return ["unshare", "--mount", "sh", "-c", _OWN_JOURNALD, str(folder), *words]


class Daemon:
    """A started udsd. What it prints is read with `output` after its end, or as it comes from `stdout`."""

    def __init__(self, *options: str, journald: Path | None = None, notify: Path, **environment: str) -> None:
        words = [*UDSD, *options]
        if journald is not None:
            words = with_journald(journald, words)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(notify))
        self._notify.settimeout(SECONDS)
        self.said: list[str] = []
        self.process = subprocess.Popen(
            words,
            cwd=TOP,
            env={**os.environ, "NOTIFY_SOCKET": str(notify), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def until(self, assignment: str) -> None:
        """Wait until the service manager hears something that begins so."""
        while not any(line.startswith(assignment) for line in self.said):
            self.said += self._notify.recv(65536).decode().splitlines()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped in here: what is sent and what is signalled meanwhile, it sees all at once afterwards."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> tuple[int, list[bytes], str]:
        """Wait for its end: exit status, lines of standard output, standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out.splitlines(), err.decode(errors="surrogateescape")

    def close(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._notify.close()


Start = Callable[..., Daemon]


def activate(
    *descriptors: int,
    names: str | None = None,
    options: tuple[str, ...] = ("--sink=console",),
    journald: Path | None = None,
    **more: str,
) -> "subprocess.Popen[bytes]":
    """Start udsd as a service manager does, with these descriptors."""
    words = [*UDSD, *options]
    if journald is not None:
        words = with_journald(journald, words)
    environment = {**os.environ, **more}
    if descriptors:
        environment["LISTEN_FDS"] = str(len(descriptors))
    if names is not None:
        environment["LISTEN_FDNAMES"] = names
    # Numbers that are free here and not the ones that they are to have there.
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 50) for descriptor in descriptors]
    moves = " ".join(f"{3 + place}<&{number}" for place, number in enumerate(high))
    try:
        return subprocess.Popen(
            ["bash", "-c", f"exec {moves}; {_PASS}", "bash", *words],
            cwd=TOP,
            env=environment,
            pass_fds=high,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        for number in high:
            os.close(number)


class Journald:
    """A socket in journald's place that records entries."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(SECONDS)

    def entry(self) -> dict[str, bytes]:
        """The next entry; the empty datagrams with which udsd asks whether anybody is there are passed over."""
        while True:
            data, descriptors = self.datagram()
            if descriptors:
                (memfd,) = descriptors
                with open(memfd, "rb") as contents:
                    contents.seek(0)
                    data = contents.read()
            if data:
                return dict(decode_entry(data))

    def datagram(self) -> tuple[bytes, list[int]]:
        """The next datagram, and the descriptors that came with it."""
        data, control, _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(4 * 16))
        descriptors = array.array("i")
        for _, _, passed in control:
            descriptors.frombytes(passed)
        return data, list(descriptors)

    def messages(self, count: int) -> list[bytes]:
        """The messages of the next entries that came in as datagrams."""
        found: list[bytes] = []
        while len(found) < count:
            entry = self.entry()
            if "UDSD_SOCKET" in entry:
                found.append(entry["MESSAGE"])
        return found

    def read_all(self) -> None:
        """Read what is queued."""
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(1 << 20)

    def close(self) -> None:
        """Go away, as journald's socket does: the file too."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def sender(path: Path | str) -> socket.socket:
    """A connected client; `@name` for an abstract socket."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(SECONDS), 0))
    client.connect("\0" + str(path)[1:] if str(path).startswith("@") else str(path))
    return client


def send_until_full(client: socket.socket, first: int = 0, patience: float = 1.0) -> int:
    """Send numbers until there has been no room for a while (seconds); the number that did not go."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(patience), int(patience % 1 * 1e6)))
    number = first
    with suppress(BlockingIOError):
        while True:
            client.send(b"%d" % number)
            number += 1
    return number


def messages(lines: list[bytes]) -> list[bytes]:
    """The messages in lines of the console sink. The pid before them is missing if the sender had ended."""
    return [line.partition(b": ")[2] for line in lines]


def open_files(pid: int) -> list[str]:
    """What the descriptors of a process link to, sorted, at an instant at which it sleeps: the socket on which it talks
    to its service manager is open only while it does so.
    """
    while True:
        before = until_asleep(pid)
        with suppress(FileNotFoundError):  # closed meanwhile
            links = sorted(os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())
            if _asleep(pid) == before:
                return links


def until_asleep(pid: int, after: str = "") -> str:
    """Wait until a process runs no more, so waits for something itself; how many times it has done so.

    `after`: what an earlier call has returned; since then it must have run.
    """
    deadline = time.monotonic() + SECONDS
    while (slept := _asleep(pid)) is None or slept == after:
        assert time.monotonic() < deadline, f"{pid} does not sleep"
    return slept


def _asleep(pid: int) -> str | None:
    """How many times a process has gone to sleep, if it is asleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    state, slept = re.findall(r"^(?:State|voluntary_ctxt_switches):\s+(\S+)", status, re.MULTILINE)
    return slept if state == "S" else None


def fill(pipe: int) -> int:
    """Fill the pipe behind a descriptor of ours; how many bytes that took."""
    os.set_blocking(pipe, False)
    written = 0
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    while poll.poll(0):
        written += os.write(pipe, bytes(select.PIPE_BUF))
    return written
