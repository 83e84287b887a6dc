"""Send each payload of a file to each socket: payloads.py FILE SOCKET... Each stands there as a line of hex digits.

It ends when /host/end has been opened for writing, so that it lives while its datagrams are read.
"""

import socket
import sys

sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
with open(sys.argv[1]) as payloads:
    for line in payloads:
        for path in sys.argv[2:]:
            sender.sendto(bytes.fromhex(line), path)
with open("/host/end") as end:
    end.read()
