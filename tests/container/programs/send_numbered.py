"""Send numbered datagrams, as fast as it goes or at a rate, each `NAME NUMBER`: send_numbered.py [OPTIONS] NAME

Any error ends it, loudly; with --again, those of a socket that is replaced have it connect again. Told to end with
SIGTERM, it prints how many the kernel took.
"""

import argparse
import errno
import signal
import socket
import sys
import time
from contextlib import suppress

parser = argparse.ArgumentParser()
parser.add_argument("--socket", default="/run/udsd/udsd.sock", help="where to send to")
parser.add_argument("--first", type=int, default=0, help="the first number")
parser.add_argument("--count", type=int, help="how many; without it, until SIGTERM")
parser.add_argument("--rate", type=int, help="so many a second")
parser.add_argument(
    "--pad", type=int, nargs="+", metavar="SIZE", help="pad with a space and dots to these sizes in turn"
)
parser.add_argument("--again", action="store_true", help="connect again when the socket is replaced")
parser.add_argument("--entry", action="store_true", help="send entries to journald itself instead, marked DIRECT=1")
parser.add_argument("name")
options = parser.parse_intermixed_args()

told: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
form = b"MESSAGE=%s %d\nDIRECT=1\n" if options.entry else b"%s %d " if options.pad else b"%s %d"
path = "/run/systemd/journal/socket" if options.entry else options.socket
name, sizes = options.name.encode(), options.pad or [0]
gone = (errno.ECONNREFUSED, errno.EPIPE, errno.ENOENT, errno.ENOTCONN) if options.again else ()
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(path)
number = options.first
end = sys.maxsize if options.count is None else number + options.count
began = time.monotonic()
while number < end and not told:
    if options.rate:
        time.sleep(max(0, began + (number - options.first) / options.rate - time.monotonic()))
    try:
        sender.send((form % (name, number)).ljust(sizes[number % len(sizes)], b"."))
        number += 1
    except OSError as error:
        if error.errno not in gone:
            raise
        with suppress(FileNotFoundError, ConnectionRefusedError, BrokenPipeError):
            sender.connect(path)
if told:
    sys.stdout.write(f"{number - options.first}\n")
