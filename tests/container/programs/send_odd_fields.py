"""Send one datagram in the journal's native format with fields of every kind: send_odd_fields.py SOCKET."""

import socket
import sys

FIELDS = [("MESSAGE", b"odd fields"), ("PRIORITY", b"3"), ("TAG", b"one"), ("TAG", b"two"), ("LARGE", b"x" * 5000)]
FRAMED = [("BYTES", b"\xff\xfe\0x"), ("LINES", b"two\nlines")]

datagram = b"".join(name.encode() + b"=" + value + b"\n" for name, value in FIELDS)
for name, value in FRAMED:
    datagram += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(datagram, sys.argv[1])
