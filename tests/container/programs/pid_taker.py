"""Take the pid that stands on /host/pid, send, and live on until /host/end is written."""

import os
import socket

with open("/host/pid") as wanted:
    pid = int(wanted.read())
child = 0
while child != pid:  # another process may begin meanwhile and have it
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(pid - 1))
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    if os.getpid() != pid:
        os._exit(0)
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.sendto(f"from the taker {os.getpid()}".encode(), "/run/udsd/udsd.sock")
    with open("/host/end") as end:
        end.read()
    break
