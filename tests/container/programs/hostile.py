"""Everything that a local user can do to udsd, as one program: hostile.py. Prints how many datagrams were taken."""

import array
import errno
import os
import socket
import struct
import sys

PATH = "/run/udsd/udsd.sock"
FORGED = [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("=iII", 1, 0, 0))]
DESCRIPTORS = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 253).tobytes())]
PAYLOADS = [b"x\nPRIORITY=0\n_UID=0\nOBJECT_UID=0", b"\x1b]0;owned\x07\x1b[2J", b"\0", b"\xff" * 100, bytes(200_000)]


def client() -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.connect(PATH)
    return sender


def send(sender: socket.socket, payload: bytes, control: list[tuple[int, int, bytes]] | None = None) -> bool:
    """Whether the kernel took the datagram."""
    try:
        sender.sendmsg([payload], control or [])
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ETOOMANYREFS):
            raise
        return False
    return True


def short_life() -> bool:
    child = os.fork()
    if not child:
        with client() as sender:
            os._exit(0 if send(sender, b"short-lived") else 1)
    return os.waitpid(child, 0)[1] == 0


with client() as sender:
    assert not send(sender, b"DONE", FORGED)
    taken = sum(send(sender, b"descriptors", DESCRIPTORS) for _ in range(1000))
    taken += sum(send(sender, payload) for payload in PAYLOADS for _ in range(100))
    taken += sum(send(sender, b"DONE") for _ in range(10_000))
    taken += sum(send(sender, b"flood") for _ in range(200_000))
taken += sum(short_life() for _ in range(5_000))
sys.stdout.write(f"{taken}\n")
