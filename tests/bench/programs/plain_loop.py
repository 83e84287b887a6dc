"""What somebody would write who has not heard of udsd: plain_loop.py SOCKET. One of those that are compared."""

import socket
import sys

from systemd import daemon, journal

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
daemon.notify("READY=1")
while True:
    journal.send(receiver.recv(65536).decode())
