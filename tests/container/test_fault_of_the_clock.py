"""The clock set back in mid-stream, for journald and udsd alone: a test must not touch that of the host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import READY
from tests.container.load import check, load
from tests.container.machines import Machine, booted, install

HOUR = 3600


@pytest.fixture
def clocked(suite: str, package: Path) -> Iterator[Machine]:
    """A machine with a library that gives a program a clock of its own."""
    with booted(suite, (*READY, "libfaketime")) as fresh:
        install(fresh, package)
        yield fresh


def set_clock(machine: Machine, seconds: int) -> None:
    machine.run("tee", "/run/clock.new", stdin=f"{seconds:+}\n".encode())
    machine.run("mv", "/run/clock.new", "/run/clock")


def test_the_clock_set_back_by_an_hour(clocked: Machine) -> None:
    set_clock(clocked, 0)
    library = clocked.text("sh", "-c", "ls /usr/lib/*/faketime/libfaketime.so.1")
    clock = ["FAKETIME_TIMESTAMP_FILE=/run/clock", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    environment = " ".join([f"LD_PRELOAD={library}", "FAKETIME_DISABLE_SHM=1", *clock])
    for unit in ("udsd.service", "systemd-journald.service"):
        clocked.drop_in("clock", f"[Service]\nEnvironment={environment}\n", unit=unit)
    clocked.options("--rate-limit=off")
    clocked.run("systemctl", "restart", "systemd-journald.service")
    began = float(clocked.since.partition("@")[2])
    clocked.since = "--boot"  # not by time
    with load(clocked) as under_way:
        pid = clocked.service_pid()
        set_clock(clocked, -HOUR)
        clocked.run("udsd-send", "after")
        clocked.wait_for("MESSAGE=after")
    (entry,) = clocked.journal("MESSAGE=after")
    assert int(entry["__REALTIME_TIMESTAMP"]) / 1e6 < began - HOUR / 2, "the clock was not set back"
    assert clocked.service_pid() == pid
    assert check(clocked, under_way)["marked as possible repeats"] == 0
