"""Send numbered datagrams as fast as it goes until SIGTERM: flood.py SOCKET. Prints how many the kernel took.

Each is `flood NUMBER`. Any error ends it, loudly.
"""

import signal
import socket
import sys

told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(sys.argv[1])
number = 0
while not told:
    sender.send(b"flood %d" % number)
    number += 1
sys.stdout.write(f"{number}\n")
