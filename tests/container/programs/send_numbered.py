"""Send numbered datagrams: send_numbered.py COUNT NAME [SOCKET]. Each is `NAME NUMBER`; any error ends it, loudly."""

import socket
import sys

count, name = int(sys.argv[1]), sys.argv[2]
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(sys.argv[3] if len(sys.argv) > 3 else "/run/udsd/udsd.sock")
for number in range(count):
    sender.send(f"{name} {number}".encode())
