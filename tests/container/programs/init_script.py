"""The init script /etc/init.d/udsd on a machine without systemd, used as SysV init and its admin use it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

PIDFILE = Path("/run/udsd.pid")
SOCKET = Path("/run/udsd/udsd.sock")
LOG = Path("/var/log/udsd.log")


def script(action: str) -> tuple[int, str]:
    """Exit status, and all that is printed until nobody can print any more."""
    command = ["/etc/init.d/udsd", action]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def send(*payloads: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(str(SOCKET))
        for payload in payloads:
            client.send(payload.encode())


def pid() -> int:
    return int(PIDFILE.read_text())


def kill(daemon: int) -> None:
    os.kill(daemon, signal.SIGKILL)
    until_ended(daemon)


def until_ended(daemon: int) -> None:
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{daemon}/exe"):  # a zombie has none
        assert time.monotonic() < deadline, f"{daemon} has not ended"


def check_that_nothing_is_left() -> None:
    assert not PIDFILE.exists()
    assert list(SOCKET.parent.iterdir()) == []
    assert script("status") == (3, "")


# Not yet started.
assert script("status") == (3, "")
assert script("stop") == (0, "")

# Started: ready at once, and only once.
assert script("start") == (0, "")
send("at once")
assert script("status") == (0, "")
status, said = script("start")
assert status == os.EX_UNAVAILABLE
assert f"runs already, with pid {pid()}\n" in said, said

# Restarted: another process, and what was queued is kept.
before = pid()
os.kill(before, signal.SIGSTOP)
send(*(f"queued {number}" for number in range(100)))
os.kill(before, signal.SIGCONT)
assert script("restart") == (0, "")
assert pid() != before
send("after")
assert script("stop") == (0, "")
until_ended(before)
check_that_nothing_is_left()
stored = [line.partition("]: ")[2] for line in LOG.read_text().splitlines()]
assert stored == ["at once", *(f"queued {number}" for number in range(100)), "after"], stored

# Killed: known as such, also when its pid is another's by then, and in nobody's way.
assert script("start") == (0, "")
kill(pid())
PIDFILE.write_text(f"{os.getpid()}\n")
assert script("status") == (3, "")
assert script("stop") == (0, "")
assert script("restart") == (0, "")
assert pid() != os.getpid()

# Without the file of its socket it can be stopped still.
SOCKET.unlink()
stopped, said = script("stop")
assert stopped == 0, said
check_that_nothing_is_left()

# What is in the way is told.
SOCKET.write_text("precious")
status, said = script("start")
assert (status, said.splitlines()[0]) == (
    os.EX_CANTCREAT,
    f"udsd: {SOCKET} is a file, not a socket: left as it is",
), (status, said)
assert SOCKET.read_text() == "precious"
