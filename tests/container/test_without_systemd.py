"""Debian booted with SysV init and with OpenRC: udsd.init and udsd.logrotate, from the boot to the power-off."""

from collections import Counter
from pathlib import Path

import pytest

from tests.container.images import image
from tests.container.machines import PROGRAMS, Machine, booted, with_package
from tests.patience import MACHINE_SECONDS

_DEPENDS = ("python3", "python3-systemd", "python3-daemon", "systemd-standalone-sysusers")
_SYSVINIT = (*_DEPENDS, "sysvinit-core", "initscripts", "procps", "util-linux", "logrotate")
_PACKAGES = {"sysvinit": _SYSVINIT, "openrc": (*_SYSVINIT, "openrc")}

_EXAMPLES = "usr/share/doc/udsd/examples"
_LOG = "var/log/udsd.log"
_SENT = "var/lib/sent"

# What init starts last says that the machine is up.
_RC_LOCAL = """#!/usr/bin/python3
import socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", "/host/notify")
"""

# A service that logs until it is stopped, and while it stops.
_SENDER = f"""#!/bin/sh
### BEGIN INIT INFO
# Provides:          sender
# Required-Start:    udsd
# Required-Stop:     udsd
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
### END INIT INFO
case "$1" in
start)
    start-stop-daemon --start --background --make-pidfile --pidfile /run/sender.pid \\
        --exec /usr/bin/python3 -- /usr/local/bin/send_until_stopped.py /{_SENT}
    ;;
stop)
    start-stop-daemon --stop --pidfile /run/sender.pid --retry TERM/30
    ;;
esac
"""


@pytest.mark.parametrize("init", _PACKAGES)
def test_from_the_boot_to_the_power_off(init: str, package: Path, tmp_path: Path) -> None:
    disk = tmp_path / init
    with_package(image("bookworm", _PACKAGES[init]), package, disk)
    (disk / _SENT).mkdir()
    for name, text in {
        "etc/rc.local": _RC_LOCAL,
        "etc/init.d/udsd": (disk / _EXAMPLES / "udsd.init").read_text(),
        "etc/init.d/sender": _SENDER,
        "usr/local/bin/send_until_stopped.py": (PROGRAMS / "send_until_stopped.py").read_text(),
    }.items():
        (disk / name).write_text(text)
        (disk / name).chmod(0o755)
    (disk / "etc/logrotate.d/udsd").write_text((disk / _EXAMPLES / "udsd.logrotate").read_text())

    with booted("bookworm", (), disk=disk) as machine:
        assert machine.text("cat", "/proc/1/comm") == "init"
        control = ["rc-service" if init == "openrc" else "service", "udsd"]
        machine.run(*machine.program("init_script", *control))
        machine.run("sh", "-c", f"rm /{_LOG}*")
        machine.run("update-rc.d", "udsd", "defaults")
        machine.run("update-rc.d", "sender", "defaults")

    with booted("bookworm", (), disk=disk) as machine:
        assert machine.text(*control, "status").startswith("udsd is running")
        rotate(machine, disk)
    ((name, count),) = [(file.name, int(file.read_text())) for file in (disk / _SENT).iterdir()]
    lines = [line.partition("]: ")[2] for file in disk.glob(f"{_LOG}*") for line in file.read_text().splitlines()]
    stored = Counter(line for line in lines if line.startswith(f"{name} "))
    assert stored == Counter(f"{name} {number}" for number in range(count))


def rotate(machine: Machine, disk: Path) -> None:
    """Have logrotate move the log file while the sender logs, and wait for entries in the new one."""
    machine.run("logrotate", "--force", "/etc/logrotate.d/udsd")
    machine.run("timeout", str(MACHINE_SECONDS), "sh", "-c", f"until [ -s /{_LOG} ]; do sleep 0.1; done")
    assert (disk / _LOG).stat().st_mode & 0o777 == 0o640
    assert (disk / f"{_LOG}.1").stat().st_size > 0
