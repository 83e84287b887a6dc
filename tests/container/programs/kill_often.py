"""Kill a service with SIGKILL at random moments: kill_often.py TIMES [UNIT]. Each kill meets a service that runs."""

import os
import random
import select
import signal
import subprocess
import sys
import time

times, unit = [*sys.argv[1:], "udsd.service"][:2]
for _ in range(int(times)):
    subprocess.run(["systemctl", "start", unit], check=True)  # waits until it is up
    shown = subprocess.run(
        ["systemctl", "show", "--value", "--property=MainPID", unit],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    pidfd = os.pidfd_open(int(shown.stdout))
    time.sleep(random.uniform(0, 0.05))
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    select.select([pidfd], [], [])
    os.close(pidfd)
