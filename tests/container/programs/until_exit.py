"""Run a command and wait until another process has ended: until_exit.py PID COMMAND..."""

import os
import select
import subprocess
import sys

poll = select.poll()
poll.register(os.pidfd_open(int(sys.argv[1])), select.POLLIN)
subprocess.run(sys.argv[2:], check=True)
if not poll.poll(180_000):
    sys.exit(f"process {sys.argv[1]} has not ended after 180 s")
