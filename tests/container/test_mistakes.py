"""Mistakes in the settings: what the administrator sees, how often systemd tries, and what becomes of the queue."""

import time

import pytest

from tests.container.machines import Machine
from tests.patience import MACHINE_SECONDS
from udsd.service.failed_start import PAUSE  # seconds for which a start that does not fail at once lasts

_OPTION = "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limti=off\n"
_FORMAT = "[Socket]\nFileDescriptorName=yaml\n"

MISTAKES = [
    pytest.param("udsd.service", _OPTION, "unrecognized arguments: --rate-limti=off", id="option"),
    pytest.param("udsd.socket", _FORMAT, "is not named after a format", id="format"),
]


def correct(machine: Machine, unit: str) -> None:
    machine.run("rm", f"/run/systemd/system/{unit}.d/mistake.conf")
    machine.run("systemctl", "daemon-reload")


@pytest.mark.parametrize(("unit", "text", "reason"), MISTAKES)
def test_a_mistake_is_seen_and_costs_nothing(machine: Machine, unit: str, text: str, reason: str) -> None:
    machine.drop_in("mistake", text, unit)
    machine.run("systemctl", "restart", "udsd.socket")
    began = time.monotonic()
    restart_fails_at_once(machine)
    machine.run("udsd-send", "waits for the correction")

    # The second try shows the reason, and lasts.
    machine.wait_for("SYSLOG_IDENTIFIER=udsd", "_PID=" + second_try(machine))
    for _ in range(3):
        assert reason in machine.text("systemctl", "status", "--no-pager", "--lines=0", "udsd.service", status=3)
        time.sleep(1)
    lines = len(machine.journal("_SYSTEMD_UNIT=udsd.service", "+", "UNIT=udsd.service"))
    tries = 2 + int(machine.show("udsd.service", "NRestarts"))
    assert tries <= 3 + (time.monotonic() - began) / PAUSE
    assert lines < 10 * tries

    # A restart fails at once again, and none is lost when it is corrected.
    restart_fails_at_once(machine)
    correct(machine, unit)
    if unit == "udsd.service":  # without anyone's help, a new socket unit needs a restart of the socket
        machine.wait_for("MESSAGE=waits for the correction")
        assert machine.messages() == [b"waits for the correction"]
        assert machine.show("udsd.socket", "Result") == "success"
    else:
        machine.run("systemctl", "restart", "udsd.socket")
        machine.run("udsd-send", "after the correction")
        machine.wait_for("MESSAGE=after the correction")


def restart_fails_at_once(machine: Machine) -> None:
    began = time.monotonic()
    machine.run("systemctl", "restart", "udsd.service", status=1)
    assert time.monotonic() - began < PAUSE, "systemctl restart did not fail at once"


def second_try(machine: Machine) -> str:
    """The process of the try that waits."""
    deadline = time.monotonic() + MACHINE_SECONDS
    while time.monotonic() < deadline:
        pid = machine.show("udsd.service", "MainPID")
        if pid != "0" and int(machine.show("udsd.service", "NRestarts")) > 0:
            return pid
    raise AssertionError("there was no second try")


def test_a_kill_is_recovered_from_at_once(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd.service")
    pid = str(machine.service_pid())
    began = time.monotonic()
    machine.run(*machine.program("until_exit", pid, "kill", "-KILL", pid))
    machine.run("udsd-send", "after the kill")
    machine.wait_for("MESSAGE=after the kill")
    assert time.monotonic() - began < PAUSE


def test_check_says_what_is_wrong_and_does_nothing(machine: Machine) -> None:
    before = machine.text("find", "/run/udsd", "/run/user", "/tmp")
    assert machine.text("udsd", "--check") == "udsd can start with these options, sockets and files"
    machine.run("udsd", "--check", "--listne=/tmp/x", status=64)
    machine.run("udsd", "--check", "--listen=/tmp/none/none/x", status=73)
    machine.run("udsd", "--check", "--listen=/tmp/x", "--pidfile=/etc/passwd", status=73)
    machine.run("udsd", "--check", "--metrics=/none/x", status=73)
    assert machine.text("find", "/run/udsd", "/run/user", "/tmp") == before
    assert machine.show("udsd.service", "ActiveState") == "inactive"
