"""What goes on in a container whose PID 1 is udsd, which this ends with a datagram or a signal: under_pid_1.py HOW.

It prints what `ps` would show of ended processes that nobody has waited for.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

SOCKET = "/run/udsd/udsd.sock"
ORPHANS = 20


def zombies() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state = stat.read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # gone, and so no zombie
        if state == "Z":
            found.append(int(stat.parent.name))
    return found


def orphan(end_of: int) -> None:
    """Leave a process behind that ends when the pipe does."""
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork() == 0:
        os.read(end_of, 1)
    os._exit(0)


client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
deadline = time.monotonic() + 30
while client.connect_ex(SOCKET) != 0:
    assert time.monotonic() < deadline, "nobody listens"
    time.sleep(0.01)

readable, writable = os.pipe()
for _ in range(ORPHANS):
    orphan(readable)
parents = [stat.read_text().rpartition(")")[2].split()[1] for stat in Path("/proc").glob("[0-9]*/stat")]
assert parents.count("1") >= ORPHANS, parents
os.write(writable, b"." * ORPHANS)
deadline = time.monotonic() + 30
while len(list(Path("/proc").glob("[0-9]*"))) > 2 and time.monotonic() < deadline:
    time.sleep(0.01)
os.write(1, f"zombies: {zombies()}\n".encode())

client.send(b"hello from a container")
if sys.argv[1] == "DONE":
    client.send(b"DONE")
else:
    os.kill(1, getattr(signal, sys.argv[1]))
time.sleep(30)
