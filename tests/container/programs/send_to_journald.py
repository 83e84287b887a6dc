"""Send numbered entries to journald itself until SIGTERM: send_to_journald.py NAME. Prints how many the kernel took."""

import signal
import socket
import sys

told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect("/run/systemd/journal/socket")
number = 0
while not told:
    sender.send(b"MESSAGE=%s %d\nDIRECT=1\n" % (sys.argv[1].encode(), number))
    number += 1
sys.stdout.write(f"{number}\n")
