"""What the service manager says in the environment."""

import os
import socket
from pathlib import Path

import pytest

from udsd.service import systemd

OWN = str(os.getpid())
OTHER = str(os.getpid() + 1)


@pytest.fixture(autouse=True)
def no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a manager of his own."""
    for name in ("NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OWN}, 15.0),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "1", "WATCHDOG_PID": OWN}, 5e-7),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OTHER}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0", "WATCHDOG_PID": OWN}, None),
        ({"WATCHDOG_USEC": "", "WATCHDOG_PID": OWN}, None),
        ({"WATCHDOG_USEC": "-1", "WATCHDOG_PID": OWN}, None),
        ({"WATCHDOG_USEC": "30s", "WATCHDOG_PID": OWN}, None),
        ({"WATCHDOG_PID": OWN}, None),
    ],
)
def test_the_watchdog_interval_is_half_of_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], interval: float | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval() == interval


@pytest.mark.parametrize(
    ("environment", "started"),
    [
        ({}, False),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, True),
        ({"SYSTEMD_EXEC_PID": OWN}, True),
        ({"SYSTEMD_EXEC_PID": OTHER}, False),
        ({"SYSTEMD_EXEC_PID": ""}, False),
        ({"NOTIFY_SOCKET": "/run/systemd/notify", "SYSTEMD_EXEC_PID": OTHER}, True),
    ],
)
def test_a_manager_that_started_us_shows(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], started: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert systemd.started_us() is started


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all"])
def test_a_manager_that_cannot_be_reached_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


def test_what_the_manager_is_told_is_one_datagram_of_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(10)
        receiver.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        systemd.notify("READY=1", "STATUS=all is well")
        assert receiver.recv(4096) == b"READY=1\nSTATUS=all is well"


@pytest.mark.parametrize(
    ("status", "told"),
    [("café", "café"), ("caf\udce9", r"caf\xe9"), ("a\nMAINPID=1", r"a\nMAINPID=1"), ("\x1b[2J", r"\x1b[2J")],
)
def test_a_name_in_what_the_manager_is_told_ends_no_line_and_needs_no_utf8(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str, told: str
) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(10)
        receiver.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        systemd.notify("STOPPING=1", f"STATUS={status}")
        assert receiver.recv(4096).decode() == f"STOPPING=1\nSTATUS={told}"
