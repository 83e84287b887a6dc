"""Faults of journald and of what it stands on, in mid-stream. What journald takes and drops is journald's loss.

A sender to journald itself beside udsd's shows how much that is. The fault in which journald's queue dies too, since
somebody stops its sockets as well, has a file of its own: test_journald_away.py.
"""

import os
import sys
import time

import pytest

from tests.container.load import check, direct, known_journald_pid, load, stored
from tests.container.machines import Machine

JOURNALD = "systemd-journald.service"


@pytest.fixture(autouse=True)
def _no_limits(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    machine.drop_in("starts", "[Unit]\nStartLimitIntervalSec=0\n", unit=JOURNALD)


def test_restarts(machine: Machine) -> None:
    restarts = 20
    with load(machine) as under_way:
        for _ in range(restarts):
            machine.run("systemctl", "restart", JOURNALD)
    most = 0 if machine.remembers_ended() else restarts  # else udsd does not know how journald ended
    assert check(machine, under_way, most_repeats=most)["marked as possible repeats"] <= most


def test_sigkill(machine: Machine) -> None:
    """A killed journald loses the entry that it was storing, whoever sent it. udsd sends its own entries again."""
    kills = int(os.environ.get("UDSD_TESTS_KILLS", "20"))
    with load(machine) as under_way, direct(machine) as beside:
        for _ in range(kills):
            pid = known_journald_pid(machine, JOURNALD)
            machine.run(*machine.program("until_exit", pid, "kill", "-KILL", pid))
            machine.run("systemctl", "start", JOURNALD)
    found = stored(machine)
    lost_beside = beside.numbers() - stored(machine, "DIRECT=1").keys()
    sent, sent_beside = len(under_way.numbers()), len(beside.numbers())
    repeats = sum(found.values()) - len(found)
    sys.stdout.write(f"{machine.suite}: {repeats} of {sent} twice, beside lost {len(lost_beside)} of {sent_beside}\n")
    assert found.keys() == under_way.numbers()
    assert repeats <= 4 * kills


def test_a_full_queue(machine: Machine) -> None:
    with load(machine) as under_way:
        pid = machine.show(JOURNALD, "MainPID")
        machine.run("kill", "-STOP", pid)
        time.sleep(5)
        machine.run("kill", "-CONT", pid)
        machine.run("journalctl", "--sync")
    assert check(machine, under_way)["marked as possible repeats"] == 0


@pytest.mark.containers_only("its load does not fill the journal")
def test_a_full_disk_under_the_journal(machine: Machine) -> None:
    """Journald takes entries from its queue and drops them, whoever sent them; udsd goes on, and so do its senders."""
    folder = "/run/log/journal"
    machine.run("mount", "-t", "tmpfs", "-o", "size=64M", "none", folder)
    machine.run("systemctl", "restart", JOURNALD)
    with load(machine) as lossy, direct(machine) as beside:
        pid = machine.service_pid()
        machine.run("dd", "if=/dev/zero", f"of={folder}/fills", status=1)
        time.sleep(3)
        machine.run("rm", f"{folder}/fills")
        machine.run("mount", "-o", "remount,size=2G", folder)
        machine.run("systemctl", "restart", JOURNALD)
    assert lossy.numbers() - stored(machine).keys(), "the disk was not full"
    assert beside.numbers() - stored(machine, "DIRECT=1").keys(), "journald has lost nothing of the one beside"
    assert machine.service_pid() == pid
    machine.mark()
    with load(machine) as under_way:
        pass
    check(machine, under_way)
    assert machine.service_pid() == pid
