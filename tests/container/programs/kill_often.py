"""Kill udsd.service with SIGKILL at random moments: kill_often.py TIMES. Each kill meets a service that runs."""

import os
import random
import select
import signal
import subprocess
import sys
import time

for _ in range(int(sys.argv[1])):
    subprocess.run(["systemctl", "start", "udsd.service"], check=True)  # waits until it is up
    shown = subprocess.run(
        ["systemctl", "show", "--value", "--property=MainPID", "udsd.service"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    pidfd = os.pidfd_open(int(shown.stdout))
    time.sleep(random.uniform(0, 0.05))
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    select.select([pidfd], [], [])
    os.close(pidfd)
