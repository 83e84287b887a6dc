"""What a local user can put into a datagram to do harm: trap.py KIND SOCKET [NUMBER [SECONDS]].

Prints how many were taken. With SECONDS, sends this number again and again for so long.

fuse      carries a file on a file system of our own, whose server never answers when the file is closed; then, by
          turns, one whose server is gone
linger    carries a TCP socket that waits 600 s for its peer when its last reference goes
names     RFC 5424, each datagram with 120 names of fields that nobody has used before
json      JSON, each with 900 members below 29 levels of long names
params    RFC 5424, each with 900 parameters whose names come out the same
large     200,000 bytes of text each
claim     claims to be process 1 of a pid name space that it shares with a process of root; waits for that process
"""

import array
import ctypes
import os
import signal
import socket
import struct
import sys
import termios
import time
from contextlib import suppress
from fcntl import ioctl

_PR_SET_DUMPABLE = 4
_NEW_MOUNTS, _NEW_USERS, _NEW_PIDS = 0x20000, 0x10000000, 0x20000000  # CLONE_NEWNS and so on of sched.h


def client(path: str) -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.connect(path)
    return sender


def stuck() -> socket.socket:
    """A TCP socket with data that its peer does not read, and a long time to linger for it."""
    server = socket.create_server(("127.0.0.1", 0))
    sender = socket.create_connection(server.getsockname())
    kept.append(server.accept()[0])
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 600))
    sender.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sender.send(bytes(65536))
    return sender


def send_with(sender: socket.socket, text: bytes, descriptor: int) -> bool:
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    try:
        sender.sendmsg([text], control)
    except PermissionError:  # from Linux 6.16 on
        return False
    return True


def until_taken(sender: socket.socket) -> None:
    while int.from_bytes(ioctl(sender, termios.TIOCOUTQ, bytes(4)), sys.byteorder):
        time.sleep(0.01)  # nothing tells when a datagram has been taken


def linger(path: str, _: int) -> bool:
    with client(path) as sender, stuck() as attached:
        taken = send_with(sender, b"lingers", attached.fileno())
        signal.setitimer(signal.ITIMER_REAL, 0.2)  # if udsd has already closed its own, we are the one who lingers
        with suppress(InterruptedError):
            os.close(attached.detach())
        signal.setitimer(signal.ITIMER_REAL, 0)
        if taken:
            until_taken(sender)  # our end would be that of the peer, and nothing to linger for
    return taken


def unshare(name_spaces: int) -> None:
    """Leave for name spaces of our own, as root there."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(name_spaces):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def fuse(path: str, number: int) -> bool:
    """Send a descriptor of FUSE wait until it is taken; its server hangs for even numbers, else it is gone."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    unshare(_NEW_USERS | _NEW_MOUNTS)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
    if ctypes.CDLL(None, use_errno=True).mount(b"trap", b"/tmp", b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), "mount of fuse")
    server = os.fork()
    if not server:
        serve(device)
    os.close(device)
    with client(path) as sender:
        attached = os.open("/tmp/trap", os.O_RDWR)
        if number % 2:
            os.kill(server, 9)
            os.waitpid(server, 0)
        taken = send_with(sender, b"hangs", attached)
        if taken:
            until_taken(sender)
    if not number % 2:
        os.kill(server, 9)  # or our own end would wait for it
    os._exit(0 if taken else 1)


def serve(device: int) -> None:
    """Serve one file called anything, never answering FLUSH; see linux/fuse.h for the structures."""
    attributes = struct.pack("@6Q3I7I", 2, *[0] * 8, 0o100666, 1, *[0] * 5)
    directory = struct.pack("@6Q3I7I", 1, *[0] * 8, 0o041777, 1, *[0] * 5)
    entry = struct.pack("@4Q2I", 2, 1, 0, 0, 0, 0) + attributes
    answers = {
        1: entry,
        14: struct.pack("@Q2I", 1, 0, 0),
        26: struct.pack("@4I2H4I", 7, 31, 4096, 0, 0, 0, 4096, *[0] * 3) + bytes(24),
    }
    while True:
        length, operation, unique, node = struct.unpack_from("@2I2Q", request := os.read(device, 1 << 17))
        assert length == len(request)
        if operation in (2, 25, 36, 42):  # FORGET, INTERRUPT and BATCH_FORGET have no answer, FLUSH gets none
            continue
        answer = answers.get(operation)
        if operation == 3:
            answer = struct.pack("@Q2I", 0, 0, 0) + (directory if node == 1 else attributes)
        error = -38 if answer is None else 0  # ENOSYS
        os.write(device, struct.pack("@IiQ", 16 + len(answer or b""), error, unique) + (answer or b""))


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
    unshare(_NEW_USERS | _NEW_PIDS)
    child = os.fork()
    if child:
        with open("/run/claims", "w", encoding="ascii") as file:
            file.write(f"{child}\n")  # a FIFO: read by root, who then enters
        return os.waitpid(child, 0)[1] == 0
    with client(path) as sender:
        while True:
            for pid in range(2, 20):
                with suppress(OSError):
                    ids = struct.pack("=iII", pid, 0, 0)
                    sender.sendmsg([b"claimed"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, ids)])
                    until_taken(sender)  # our end would be that of the other process, too: we are its process 1
                    os._exit(0)


def attack(kind: str, path: str, number: int) -> int:
    """Send so many; how many were taken."""
    trap = {"linger": linger, "claim": claim, "fuse": fuse}.get(kind)
    if trap:
        return sum(trap(path, n) for n in range(number))
    with client(path) as sender:
        return sum(bool(sender.send(payload(kind, n))) for n in range(number))


kept: list[socket.socket] = []
signal.signal(signal.SIGALRM, lambda *_: None)
kind, path, *numbers = sys.argv[1:]
number, seconds = (*map(int, numbers), *(1, 0)[len(numbers) :])
began = time.monotonic()
taken = attack(kind, path, number)
while time.monotonic() < began + seconds:
    for peer in kept:
        peer.close()
    kept.clear()
    taken += attack(kind, path, number)
sys.stdout.write(f"{taken}\n")
