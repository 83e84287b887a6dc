"""Send, wait for a line on /host/go, send again and end: the process whose pid another one is to get."""

import os
import socket

sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/udsd/udsd.sock")
sender.send(b"first of the giver")
with open("/host/go") as go:
    go.readline()
sender.send(f"last of the giver {os.getpid()}".encode())
