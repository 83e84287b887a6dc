"""Send numbered datagrams until SIGTERM: numbered.py NAME SOCKET PREFIX. Prints, as JSON, what the kernel took.

An error is counted, and the connection made anew until that works: as a program does that wants to go on.
"""

import json
import signal
import socket
import sys
import time

told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
name, path, prefix = sys.argv[1:]
number = errors = 0
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(path)
while not told:
    try:
        sender.send(f"{prefix}{name} {number} ".encode())
        number += 1
    except OSError:
        errors += 1
        try:
            sender.connect(path)
        except OSError:
            time.sleep(0.001)
sys.stdout.write(json.dumps({"taken": number, "errors": errors}) + "\n")
