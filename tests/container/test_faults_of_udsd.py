"""Faults of udsd itself under load: nothing is lost. Repeated, and marked, is only what a killed run had in hand."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.container.load import check, load, times, wait_for_number
from tests.container.machines import Machine


@pytest.fixture(autouse=True)
def _no_limit(machine: Machine) -> None:
    machine.options("--rate-limit=off")


def test_sigkill_at_random_moments(machine: Machine) -> None:
    kills = times(machine, 200)
    with load(machine) as under_way:
        machine.run(*machine.program("kill_often", str(kills)))
    account = check(machine, under_way, most_repeats=kills)
    assert account["marked as possible repeats"] <= kills
    assert machine.show("udsd.socket", "Result") == "success"
    complaints = machine.text("journalctl", "--output=cat", "_PID=1", "UNIT=udsd.service", "--priority=warning")
    assert "FileDescriptorStoreMax" not in complaints, complaints


@pytest.mark.parametrize("verbs", [["restart"], ["stop", "start"]], ids="-".join)
def test_restarts(machine: Machine, verbs: list[str]) -> None:
    with load(machine) as under_way:
        for _ in range(times(machine, 100)):
            for verb in verbs:
                machine.run("systemctl", verb, "udsd.service")
    assert check(machine, under_way)["marked as possible repeats"] == 0


def test_done_in_mid_stream(machine: Machine) -> None:
    with load(machine) as under_way:
        for _ in range(times(machine, 50)):
            machine.run("systemctl", "start", "udsd.service")
            pid = str(machine.service_pid())
            machine.run(*machine.program("until_exit", pid, "udsd-send", "DONE"))
    assert check(machine, under_way)["marked as possible repeats"] == 0


def test_a_daemon_that_stands_still_for_twenty_seconds(machine: Machine) -> None:
    machine.drop_in("watchdog", "[Service]\nWatchdogSec=60s\n")
    with load(machine) as under_way:
        pid = str(machine.service_pid())
        machine.run("kill", "-STOP", pid)
        time.sleep(times(machine, 20))
        machine.run("kill", "-CONT", pid)
    assert machine.show("udsd.service", "NRestarts") == "0"
    check(machine, under_way)


def test_a_daemon_that_stands_still_until_the_watchdog_bites(machine: Machine) -> None:
    machine.drop_in("watchdog", "[Service]\nWatchdogSec=10s\n")
    with load(machine) as under_way:
        pid = str(machine.service_pid())
        machine.run(*machine.program("until_exit", pid, "kill", "-STOP", pid))
        machine.run("systemctl", "start", "udsd.service")
    assert machine.show("udsd.service", "NRestarts") == "1"
    check(machine, under_way, most_repeats=1)


def test_no_descriptors_to_spare(machine: Machine) -> None:
    machine.drop_in("descriptors", "[Service]\nLimitNOFILE=32\n")
    sizes = [*[10] * 50, 212_950]  # the most that a sender can send, so that its entry needs a memfd
    with load(machine, *sizes, senders=40) as under_way:
        wait_for_number(machine, "s0", 1000, *sizes)
    assert machine.show("udsd.service", "NRestarts") == "0"
    check(machine, under_way)


@contextmanager
def no_more_memory_than(machine: Machine, idle: int) -> Iterator[None]:
    """udsd.service gets a third more than `idle` (bytes), from the kernel's cgroup of either kind."""
    if machine.run("test", "-e", "/sys/fs/cgroup/system.slice/udsd.service/memory.max", status=None).returncode == 0:
        machine.run("systemctl", "set-property", "--runtime", "udsd.service", f"MemoryMax={idle + idle // 3}")
        yield
        return
    # The host has memory groups of the old kind, which the machine does not see. What a process has stays accounted
    # to the group it had it in, so what is left is the third.
    group = Path(f"/sys/fs/cgroup/memory/udsd-test-{machine.leader}")
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(idle // 3))
        (group / "cgroup.procs").write_text(str(machine.host_pid(machine.service_pid())))
        yield
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            (group.parent / "cgroup.procs").write_text(process)
        group.rmdir()


def test_no_memory_to_spare(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd.service")
    _, resident = machine.resources()
    sizes = [*[10] * 50, 60_000, 200_000]
    with no_more_memory_than(machine, 1024 * resident), load(machine, *sizes, senders=16) as under_way:
        wait_for_number(machine, "s0", 2000, *sizes)
    check(machine, under_way, most_repeats=int(machine.show("udsd.service", "NRestarts")))
