"""Send the datagrams in a file: send_frames.py [OPTIONS] FILE [SOCKET...]

Each stands there as 8 bytes of length and its bytes (Machine.frames), and goes to each of the sockets.
"""

import argparse
import signal
import socket
from contextlib import suppress

parser = argparse.ArgumentParser()
parser.add_argument("--notify", action="store_true", help="be a unit of Type=notify that is ready then, and stay")
parser.add_argument("--stay-until", metavar="FIFO", help="stay until this has been opened for writing and closed")
parser.add_argument("file")
parser.add_argument("sockets", nargs="*", default=["/run/udsd/udsd.sock"])
options = parser.parse_args()

senders = []
for path in options.sockets:
    senders.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    with suppress(PermissionError):  # only root may
        senders[-1].setsockopt(socket.SOL_SOCKET, 32, 8 << 20)  # SO_SNDBUFFORCE
    senders[-1].connect(path)
with open(options.file, "rb") as frames:
    while length := frames.read(8):
        datagram = frames.read(int.from_bytes(length, "little"))
        for sender in senders:
            sender.send(datagram)
if options.notify:
    from systemd import daemon

    daemon.notify("READY=1")
    signal.pause()
if options.stay_until:
    with open(options.stay_until) as end:
        end.read()
