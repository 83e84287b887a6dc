"""Send numbered datagrams until SIGTERM: send_until_told.py NAME [SIZE...]. Prints how many the kernel took.

Each is `NAME NUMBER`, padded with a space and dots to the sizes (bytes) in turn. Any error ends it, loudly.
"""

import signal
import socket
import sys

told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
name, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]] or [0]
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/udsd/udsd.sock")
number = 0
while not told:
    payload = b"%s %d " % (name.encode(), number)
    sender.send(payload.ljust(sizes[number % len(sizes)], b"."))
    number += 1
sys.stdout.write(f"{number}\n")
