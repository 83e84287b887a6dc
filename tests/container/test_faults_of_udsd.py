"""Faults of udsd itself under load: nothing is lost, and a repeat is the killed run's one datagram in hand, and marked.

On trixie each fault comes as often as the promise was made for; on the other suites a fifth as often.
"""

import subprocess
import time
from pathlib import Path

import pytest

from tests.container.load import check, load
from tests.container.machines import Machine


@pytest.fixture(autouse=True)
def _no_limit(machine: Machine) -> None:
    machine.options("--rate-limit=off")


def times(machine: Machine, number: int) -> int:
    return number if machine.suite == "trixie" else number // 5


def test_sigkill_at_random_moments(machine: Machine) -> None:
    kills = times(machine, 200)
    with load(machine) as under_way:
        machine.run(*machine.program("kill_often", str(kills)))
    account = check(machine, under_way, most_repeats=kills)
    assert account["marked as possible repeats"] <= kills
    assert machine.show("udsd.socket", "Result") == "success"


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


@pytest.mark.parametrize(("watchdog", "restarts"), [("60s", 0), ("5s", 1)])
def test_a_daemon_that_stands_still_for_twenty_seconds(machine: Machine, watchdog: str, restarts: int) -> None:
    machine.drop_in("watchdog", f"[Service]\nWatchdogSec={watchdog}\n")
    with load(machine) as under_way:
        pid = str(machine.service_pid())
        machine.run("kill", "-STOP", pid)
        time.sleep(20)
        machine.run("kill", "-CONT", pid, status=None if restarts else 0)
        machine.run("systemctl", "start", "udsd.service")
    assert int(machine.show("udsd.service", "NRestarts")) == restarts
    check(machine, under_way, most_repeats=restarts)


def test_no_descriptors_to_spare(machine: Machine) -> None:
    machine.drop_in("descriptors", "[Service]\nLimitNOFILE=32\n")
    with load(machine, *[10] * 50, 200_000, senders=40) as under_way:
        pass
    assert machine.show("udsd.service", "NRestarts") == "0"
    check(machine, under_way)


def test_an_upgrade_of_the_package(machine: Machine, package: Path) -> None:
    newer = machine.shared / "newer.deb"
    tree = machine.shared / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9."))
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, newer], check=True, stdout=subprocess.DEVNULL)
    with load(machine) as under_way:
        pid = machine.service_pid()
        machine.run("apt-get", "install", "--yes", "/host/newer.deb")
        assert machine.text("dpkg-query", "--show", "--showformat=${Version}", "udsd").startswith("9.")
        machine.run("systemctl", "start", "udsd.service")
        assert machine.service_pid() != pid, "an upgrade must restart the service"
    assert check(machine, under_way)["marked as possible repeats"] == 0
