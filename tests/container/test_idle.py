"""Idle is asleep: the kernel counts how often a process gave up the processor of its own will."""

import sys
import time

from tests.container.machines import Machine

_SETTLING = 2.0  # seconds after the last datagram in which udsd still looks after it
_ATTEMPTS = 3  # on a busy machine udsd may need longer for that


def only_the_watchdog_wakes(machine: Machine, seconds: float, every: float) -> bool:
    """Whether udsd wakes in this time as often as it has to give a sign of life, and for nothing else."""
    status = f"/proc/{machine.service_pid()}/status"
    began = time.monotonic()
    before = machine.text("grep", "^voluntary_ctxt_switches", status)
    time.sleep(seconds)
    after = machine.text("grep", "^voluntary_ctxt_switches", status)
    wakeups = int(after.split()[1]) - int(before.split()[1])
    sys.stdout.write(f"{machine.suite}: woken {wakeups} times\n")
    return wakeups <= 1 + int((time.monotonic() - began) / every)


def test_only_the_watchdog_wakes_an_idle_daemon(machine: Machine) -> None:
    machine.run("udsd-send", "hello")
    machine.wait_for("MESSAGE=hello")
    time.sleep(_SETTLING)
    assert any(only_the_watchdog_wakes(machine, 10, every=15) for _ in range(_ATTEMPTS))  # WatchdogSec=30s


def test_the_watchdog_is_kept_by_a_daemon_that_has_nothing_to_do(machine: Machine) -> None:
    machine.drop_in("watchdog", "[Service]\nWatchdogSec=6s\n")
    machine.run("systemctl", "start", "udsd.service")
    time.sleep(_SETTLING)
    assert any(only_the_watchdog_wakes(machine, 6, every=3) for _ in range(_ATTEMPTS))
    assert machine.show("udsd.service", "NRestarts") == "0"
