"""What a process can do in the sandbox of udsd.service, as an attacker who had taken udsd over: taken_over.py VICTIMS

VICTIMS are pids in JSON. It prints each attempt, as udsd(8) calls it, and what came of it: `yes`, or an error.
"""

import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

_F_SETSIG = 10  # fcntl(2)
_PTRACE_ATTACH = 16
_EVERYBODY_MAY_WRITE = ("/srv/open", "/dev/shm", "/dev/mqueue", "/run/lock", "/run", "/etc", "/var", "/root", "/")

victims: dict[str, int] = json.loads(sys.argv[1])
seen = f"/proc/{victims['bare']}/root"


def read(*paths: str) -> None:
    """Any of these files."""
    failed = None
    for path in paths:
        try:
            Path(path).read_bytes()
        except OSError as error:
            failed = error
        else:
            return
    assert failed
    raise failed


def write() -> None:
    """A file in any of these directories."""
    failed = None
    for folder in _EVERYBODY_MAY_WRITE:
        path = Path(folder, "taken-over")
        try:
            path.write_text("x")
        except OSError as error:
            failed = error
        else:
            sys.stdout.write(f"wrote {path}\n")
            return
    assert failed
    raise failed


def connect(path: str) -> None:
    socket.socket(socket.AF_UNIX).connect(path)


def end(*names: str) -> None:
    """One of these victims, with kill(2), or with a descriptor that sends its owner a signal: F_SETSIG of fcntl(2)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    fcntl.fcntl(ours, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    for name in names:
        try:
            os.kill(victims[name], signal.SIGKILL)
        except PermissionError:
            fcntl.fcntl(ours, fcntl.F_SETOWN, victims[name])
            theirs.send(b"x")
            ours.recv(1)
    if all(lives(victims[name]) for name in names):
        raise PermissionError(errno.EPERM, "they live")


def lives(pid: int) -> bool:
    """Whether a process has neither ended nor got SIGKILL, which is pending as soon as it has been sent."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return False
    pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return status["State"].split()[0] not in "ZX" and not pending >> (signal.SIGKILL - 1) & 1


def trace() -> None:
    if ctypes.CDLL(None, use_errno=True).ptrace(_PTRACE_ATTACH, victims["bare"], None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def limit() -> None:
    resource.prlimit(victims["root"], resource.RLIMIT_CORE, resource.prlimit(victims["root"], resource.RLIMIT_CORE))


def forge() -> None:
    """It can be sent; whether journald believes it is another matter."""
    entry = b"MESSAGE=forged\nOBJECT_SYSTEMD_UNIT=forged.service\nOBJECT_PID=%d\n" % os.getpid()
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(entry, "/run/systemd/journal/socket")


attempts: dict[str, Callable[[], None]] = {
    "read /etc/shadow and keys of root": lambda: read("/etc/shadow", "/root/.ssh/id_ed25519"),
    "read files in /etc that everybody may read": lambda: read("/etc/open.conf"),
    "read the environment of a user's process": lambda: read(f"/proc/{victims['user']}/environ"),
    "read that of a process of root": lambda: read(f"/proc/{victims['root']}/environ"),
    "read that of a process of root without capabilities": lambda: read(f"/proc/{victims['bare']}/environ"),
    "use the files and sockets that such a process sees": lambda: read(f"{seen}/etc/shadow"),
    "write a file that others see": write,
    "connect to D-Bus and other sockets for everybody": lambda: connect("/run/dbus/system_bus_socket"),
    "connect to PID 1, as systemctl does": lambda: connect("/run/systemd/private"),
    "use the network": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
    "trace or change another process": trace,
    "change limits of a process of root": limit,
    "write entries that journalctl -u shows for others": forge,
    "kill a process of root": lambda: end("root"),
    "kill a process of a user": lambda: end("user"),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        sys.stdout.write(f"{name}: {errno.errorcode[error.errno or 0]}\n")
    else:
        sys.stdout.write(f"{name}: yes\n")
