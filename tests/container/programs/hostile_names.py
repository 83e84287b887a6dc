"""Send from processes with hostile names: hostile_names.py all FILE, in a unit of its own that has Delegate=yes.

FILE is JSON, a list of processes. Each has a name for itself (`comm`), words for its command line, a name for a control
group to be in, below that of the unit (`group`), and a payload. A character stands for a byte. The processes run one
after the other, and each lives until udsd has taken its datagram.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import termios
import time

UNIT = b"/sys/fs/cgroup/system.slice/hostile.service"


def latin(text: str) -> bytes:
    return text.encode("latin-1")


def be(comm: bytes, group: bytes, payload: bytes) -> None:
    """Take the names, send, and wait until the datagram is off the queue."""
    folder = UNIT + b"/" + group
    os.makedirs(folder, exist_ok=True)
    with open(folder + b"/cgroup.procs", "wb") as procs:
        procs.write(b"%d" % os.getpid())
    with open("/proc/self/comm", "wb") as name:
        name.write(comm + b"\0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, "/run/udsd/udsd.sock")
        while struct.unpack("@i", fcntl.ioctl(sender, termios.TIOCOUTQ, bytes(4)))[0]:
            time.sleep(0.001)


if sys.argv[1:2] == ["all"]:
    with open(sys.argv[2]) as file:
        processes = json.load(file)
    for process in processes:
        names = json.dumps([process[key] for key in ("comm", "group", "payload")]).encode()
        subprocess.run(["python3", "-IS", __file__, *map(latin, process["words"])], input=names, check=True)
else:
    be(*map(latin, json.load(sys.stdin)))
