"""Send an empty datagram with one descriptor: send_descriptor.py CONTENT-FILE PLACE SOCKET.

PLACE is `memfd` for a sealed memfd, else a folder, in which a file is made and removed again at once.
"""

import array
import fcntl
import os
import socket
import sys
import tempfile

content, place, path = sys.argv[1:]
with open(content, "rb") as file:
    entry = file.read()
if place == "memfd":
    descriptor = os.memfd_create("entry", os.MFD_ALLOW_SEALING)
else:
    descriptor, name = tempfile.mkstemp(dir=place)
    os.unlink(name)
os.write(descriptor, entry)
if place == "memfd":
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(path)
sender.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
