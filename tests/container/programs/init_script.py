"""The init script /etc/init.d/udsd without systemd, used as SysV init and its admin use it: init_script.py [COMMAND...]

Nothing runs before and after that. COMMAND is how the script is called, instead of by its path.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PIDFILE = Path("/run/udsd.pid")
SOCKET = Path("/run/udsd/udsd.sock")
LOG = Path("/var/log/udsd.log")


def script(action: str) -> tuple[int, str]:
    """Exit status, and all that is printed until nobody can print any more."""
    command = [*(sys.argv[1:] or ["/etc/init.d/udsd"]), action]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, check=False)
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
    with PIDFILE.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel closes its files last


def until_ended(daemon: int) -> None:
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{daemon}/exe"):  # a zombie has none
        assert time.monotonic() < deadline, f"{daemon} has not ended"


def check_that_nothing_is_left() -> None:
    assert not PIDFILE.exists()
    assert list(SOCKET.parent.iterdir()) == []
    assert script("status") == (3, "udsd is not running\n")


# Not yet started.
assert script("status") == (3, "udsd is not running\n")
assert script("try-restart") == (0, "")
assert script("stop") == (0, "")

# Started: ready at once, and only once.
assert script("start") == (0, "")
send("at once")
assert script("status") == (0, f"udsd is running, with pid {pid()}\n")
before = pid()
assert script("start") == (0, "")
assert pid() == before
assert script("try-restart") == (0, "")
assert pid() != before

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
lines = LOG.read_text().splitlines()
stored = [line.partition("]: ")[2] for line in lines if "]: " in line]
assert stored == ["at once", *(f"queued {number}" for number in range(100)), "after"], stored

own = [line for line in lines if " udsd: " in line]
assert "receiving on" in own[0], own
assert "stopped by DONE" in own[-1], own
assert LOG.stat().st_mode & 0o777 == 0o640

# The log file is moved: at SIGHUP udsd makes a new one.
assert script("start") == (0, "")
LOG.rename(f"{LOG}.1")
assert script("reload") == (0, "")
deadline = time.monotonic() + 60
while not LOG.exists():
    assert time.monotonic() < deadline, "SIGHUP made no new log file"
send("into the new file")
assert script("stop") == (0, "")
assert "into the new file" in LOG.read_text()
assert "into the new file" not in Path(f"{LOG}.1").read_text()

# Frozen: it is killed in the end.
assert script("start") == (0, "")
os.kill(pid(), signal.SIGSTOP)
status, said = script("stop")
assert (status, said.splitlines()[-1]) == (0, "udsd does not end: killed")

# Killed: known as such, also when its pid is another's by then, and in nobody's way.
assert script("start") == (0, "")
kill(pid())
PIDFILE.write_text(f"{os.getpid()}\n")
assert script("status") == (1, "udsd is dead, but its pid file exists\n")
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
SOCKET.unlink()
