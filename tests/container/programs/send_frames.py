"""Send the datagrams in a file: send_frames.py FILE [SOCKET]. Each stands there as 8 bytes of length and its bytes."""

import socket
import sys

sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, 32, 8 << 20)  # SO_SNDBUFFORCE
sender.connect(sys.argv[2] if len(sys.argv) > 2 else "/run/udsd/udsd.sock")
with open(sys.argv[1], "rb") as frames:
    while length := frames.read(8):
        sender.send(frames.read(int.from_bytes(length, "little")))
