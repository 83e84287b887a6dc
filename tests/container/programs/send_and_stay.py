"""Send the datagrams in a file, as send_frames.py does, and stay: a unit of Type=notify, ready when all are sent."""

import signal
import socket
import sys

from systemd import daemon

sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/udsd/udsd.sock")
with open(sys.argv[1], "rb") as frames:
    while length := frames.read(8):
        sender.send(frames.read(int.from_bytes(length, "little")))
daemon.notify("READY=1")
signal.pause()
