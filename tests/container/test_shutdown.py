"""Services that log until they have been stopped, by a shutdown and its likes: every datagram is stored, once."""

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.container.images import USERS, copied, image
from tests.container.load import NUMBERED
from tests.container.machines import Machine, booted, run_in_root, with_package
from tests.container.needs import made_once, make_image
from tests.patience import MACHINE_SECONDS

_FOLDER = "var/lib/senders"
_SENDER = f"""
[Unit]
Description=Logs until it has been stopped

[Service]
ExecStart=/usr/bin/python3 /usr/local/bin/send_until_stopped.py /{_FOLDER}

[Install]
WantedBy=multi-user.target
"""
_SENDERS = 3

# The same for a user, with the socket and daemon of the user.
_USER, _UID = "alice", 1000
_USER_SOCKET = f"/run/user/{_UID}/udsd/udsd.sock"
_USER_SENDER = f"""
[Unit]
Description=Logs until it has been stopped

[Service]
ExecStart=/usr/bin/python3 /usr/local/bin/send_until_stopped.py /{_FOLDER} {_USER_SOCKET}
"""
_JOURNALD = "[Journal]\nStorage=persistent\n"


@pytest.fixture
def root(suite: str, package: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A root that keeps its journal, with the package and services that log."""
    make_image(suite, USERS)
    installed = made_once(
        tmp_path_factory, f"users-{suite}", lambda folder: with_package(image(suite, USERS), package, folder)
    )
    folder = tmp_path / "root"
    copied(installed, folder)
    (folder / "etc/systemd/journald.conf.d/zz.conf").write_text(_JOURNALD)
    (folder / "var/log/journal").mkdir(exist_ok=True)
    (folder / _FOLDER).mkdir()
    (folder / _FOLDER).chmod(0o777)
    program = Path(__file__).parent / "programs/send_until_stopped.py"
    (folder / "usr/local/bin/send_until_stopped.py").write_text(program.read_text())
    wants = folder / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    for number in range(_SENDERS):
        unit = folder / f"etc/systemd/system/sender{number}.service"
        unit.write_text(_SENDER)
        (wants / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
    _add_user(folder)
    return folder


def _add_user(root: Path) -> None:
    """A user whose service manager runs from the boot on, and with it the socket and a service that logs."""
    subprocess.run(["chroot", root, "useradd", f"--uid={_UID}", "--create-home", _USER], check=True)
    linger = root / "var/lib/systemd/linger"
    linger.mkdir(parents=True, exist_ok=True)
    (linger / _USER).touch()
    units = root / "etc/systemd/user"
    (units / "user-sender.service").write_text(_USER_SENDER)
    for target, unit in {
        "sockets": "/usr/lib/systemd/user/udsd.socket",
        "default": "/etc/systemd/user/user-sender.service",
    }.items():
        wants = units / f"{target}.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / Path(unit).name).symlink_to(unit)


@contextmanager
def senders_run(suite: str, root: Path) -> Iterator[Machine]:
    """A machine of that root, in which the services have begun to log. It is powered off when this is left."""
    with booted(suite, USERS, disk=root) as machine:
        wait_for_senders(machine)
        yield machine


def wait_for_senders(machine: Machine) -> None:
    for number in range(_SENDERS):
        machine.run("systemctl", "start", f"sender{number}.service")
        machine.wait_for(f"OBJECT_SYSTEMD_UNIT=sender{number}.service")
    machine.run("systemctl", "start", f"user@{_UID}.service")  # after a soft reboot logind does not
    machine.wait_for("OBJECT_SYSTEMD_USER_UNIT=user-sender.service")


def wait_until(machine: Machine, value: str, *what: str) -> None:
    """Return when PID 1 says so. It may not answer for a while: the bus stops, too."""
    deadline = time.monotonic() + MACHINE_SECONDS
    while machine.text("timeout", "1", "systemctl", "show", "--value", *what, status=None) != value:
        assert time.monotonic() < deadline, f"{machine.suite}: {what} is not {value}"


def wait_until_executed_anew(machine: Machine) -> None:
    """Return when PID 1 has ended everything else in a soft reboot."""
    deadline = time.monotonic() + MACHINE_SECONDS
    while b"--switched-root" not in Path(f"/proc/{machine.leader}/cmdline").read_bytes():
        assert time.monotonic() < deadline, f"{machine.suite}: there was no soft reboot"
        time.sleep(0.1)


def check_all_stored(root: Path, runs: int) -> None:
    """Everything that so many runs of services have sent is in the journal, once."""
    sent = {file.name: int(file.read_text()) for file in (root / _FOLDER).iterdir()}
    assert len(sent) == runs, sent
    expected = {(name.encode(), number) for name, count in sent.items() for number in range(count)}
    lines = run_in_root(root, "journalctl --directory=/var/log/journal --output=cat _COMM=udsd")
    found = Counter((match[1], int(match[2])) for match in map(NUMBERED.match, lines.encode().splitlines()) if match)
    assert sorted(expected - found.keys()) == []
    assert sorted(found.keys() - expected) == []
    assert max(found.values()) == 1


def test_a_shutdown(suite: str, root: Path) -> None:
    runs = 0
    for number, target in (signal.SIGRTMIN + 5, "reboot"), (signal.SIGRTMIN + 4, "poweroff"):
        with senders_run(suite, root) as machine:
            machine.switched_off_by = number
        runs += _SENDERS + 1
        run_in_root(root, f"journalctl --directory=/var/log/journal --boot --quiet | grep 'Reached target {target}'")
    check_all_stored(root, runs)


def test_a_soft_reboot(suite: str, root: Path) -> None:
    with senders_run(suite, root) as machine:
        if suite == "bookworm":  # it has none; systemctl says so
            assert b"Unknown command verb soft-reboot" in machine.run("systemctl", "soft-reboot", status=1).stderr
            return
        # From outside until it is over: PID 1 stops all processes (SIGSTOP) before it ends them, and a nsenter whose
        # child is stopped stops itself, for good.
        machine.run("systemd-run", "--quiet", "--no-block", "systemctl", "soft-reboot")
        wait_until_executed_anew(machine)
        wait_until(machine, "running", "--property=SystemState")
        machine.mark()
        wait_for_senders(machine)
    check_all_stored(root, 2 * (_SENDERS + 1))


def test_a_rescue_and_the_way_back(suite: str, root: Path) -> None:
    """The managers of users, and what they run, go on through that."""
    with senders_run(suite, root) as machine:
        machine.run("systemctl", "isolate", "rescue.target")
        wait_until(machine, "inactive", "--property=ActiveState", "udsd.socket")
        machine.run("systemctl", "isolate", "multi-user.target")
        machine.mark()
        wait_for_senders(machine)
    check_all_stored(root, 2 * _SENDERS + 1)


def test_no_ordering_cycles(machine: Machine) -> None:
    machine.run("systemctl", "enable", "udsd-format@json.socket", "udsd@blue.socket", "udsd.socket")
    units = [f"udsd{instance}.{kind}" for instance in ("", "@blue", "-format@json") for kind in ("socket", "service")]
    said = machine.run("systemd-analyze", "verify", "--man=no", "default.target", *units, status=None)
    assert not re.search(r"udsd|cycle", (said.stdout + said.stderr).decode()), said
