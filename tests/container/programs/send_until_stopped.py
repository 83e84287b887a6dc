"""A service that logs until it has been stopped, and while it stops: send_until_stopped.py FOLDER [SOCKET]

It sends `NAME NUMBER`, with a name of its own for each run, a hundred of them after SIGTERM. Then it writes into
FOLDER/NAME how many the kernel took.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

folder, *path = sys.argv[1:]
told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(*path or ["/run/udsd/udsd.sock"])
name, number, left = f"s{os.urandom(4).hex()}", 0, 100
while left:
    sender.send(b"%s %d" % (name.encode(), number))
    number += 1
    left -= bool(told)
    time.sleep(0.002)
Path(folder, name).write_text(f"{number}\n")
