"""Send numbered datagrams: send_range.py FIRST END NAME. Each is `NAME NUMBER`; any error ends it, loudly."""

import socket
import sys

first, end, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/udsd/udsd.sock")
for number in range(first, end):
    sender.send(f"{name} {number}".encode())
