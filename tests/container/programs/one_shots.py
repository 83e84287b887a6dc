"""Send from processes that end at once: one_shots.py COUNT. Each sends its number and its pid."""

import os
import socket
import sys

for number in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.sendto(f"{number} {os.getpid()}".encode(), "/run/udsd/udsd.sock")
        os._exit(0)
    os.waitpid(child, 0)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"that is all", "/run/udsd/udsd.sock")
