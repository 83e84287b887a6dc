"""Idle is asleep: the kernel counts how often a process gave up the processor of its own will."""

import time

from tests.container.machines import Machine

_SETTLING = 2.0  # seconds after the last datagram in which udsd still looks after it


def wakeups(machine: Machine, seconds: float) -> int:
    status = f"/proc/{machine.service_pid()}/status"
    before = machine.text("grep", "^voluntary_ctxt_switches", status)
    time.sleep(seconds)
    after = machine.text("grep", "^voluntary_ctxt_switches", status)
    return int(after.split()[1]) - int(before.split()[1])


def test_only_the_watchdog_wakes_an_idle_daemon(machine: Machine) -> None:
    machine.run("udsd-send", "hello")
    machine.wait_for("MESSAGE=hello")
    time.sleep(_SETTLING)
    assert wakeups(machine, 10) <= 1  # WatchdogSec=30s: a sign of life every 15 s


def test_the_watchdog_is_kept_by_a_daemon_that_has_nothing_to_do(machine: Machine) -> None:
    machine.drop_in("watchdog", "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "start", "udsd.service")
    time.sleep(_SETTLING)
    assert 4 <= wakeups(machine, 5) <= 6
    assert machine.show("udsd.service", "NRestarts") == "0"
