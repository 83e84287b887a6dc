"""Send standard input to a port of this machine, as soon as somebody listens there: connect.py PORT"""

import socket
import sys
import time

while True:
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except ConnectionRefusedError:  # nothing tells when somebody begins to listen
        time.sleep(0.05)
connection.sendall(sys.stdin.buffer.read())
connection.recv(1)
