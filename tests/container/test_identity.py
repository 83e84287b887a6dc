"""The journal says truthfully who sent an entry, also when that process has ended."""

import os
import time

import pytest

from tests.container.attacks import pass_a_pid_on
from tests.container.machines import Machine
from tests.source import TOP

_ONE_SHOTS = 1000


def in_unit(unit: str, *words: str, user: str = "nobody") -> list[str]:
    """The words that run a command as a service of its own, and wait for its end."""
    return ["systemd-run", "--quiet", "--wait", f"--unit={unit}", f"--property=User={user}", *words]


def test_senders_that_end_at_once_are_known_for_certain(machine: Machine) -> None:
    """All of them since Linux 6.15; before, those that were there when udsd looked, some of them marked."""
    running = ["systemd-run", "--quiet", "--unit=app", "--property=User=nobody"]
    machine.run(*running, "sh", "-c", f"python3 /programs/one_shots.py {_ONE_SHOTS} && exec sleep infinity")
    entries = wait_for_all(machine)
    uid = machine.text("id", "-u", "nobody").encode()
    for entry in entries:
        assert entry["OBJECT_PID"] == entry["MESSAGE"].split()[1]
        assert entry["OBJECT_UID"] == uid
    remembers = machine.remembers_ended()
    if not remembers:
        entries = [entry for entry in entries if "OBJECT_SYSTEMD_UNIT" in entry]
    for entry in entries:
        assert entry["OBJECT_SYSTEMD_UNIT"] == b"app.service"
        assert entry["OBJECT_SYSTEMD_SLICE"] == b"system.slice"
        assert entry["OBJECT_SYSTEMD_CGROUP"] == b"/system.slice/app.service"
        assert "UDSD_SENDER_UNPROVEN" not in entry or not remembers


def wait_for_all(machine: Machine) -> list[dict[str, bytes]]:
    machine.wait_for("MESSAGE=that is all")
    entries = machine.datagrams()[:-1]
    assert [int(entry["MESSAGE"].split()[0]) for entry in entries] == list(range(_ONE_SHOTS))
    return entries


def test_without_pidfds_nothing_wrong_is_told(machine: Machine) -> None:
    machine.older_kernel("PASSPIDFD")
    machine.run(*in_unit("app", *machine.program("one_shots", str(_ONE_SHOTS))))
    for entry in wait_for_all(machine):
        assert entry["OBJECT_PID"] == entry["MESSAGE"].split()[1]
        assert entry.get("OBJECT_SYSTEMD_UNIT", b"app.service") == b"app.service"
        assert "OBJECT_COMM" in entry or "UDSD_SENDER_UNPROVEN" not in entry  # certain by time, marked, or left out


def test_a_pid_that_has_passed_to_another_unit_never_tells_the_wrong_one(machine: Machine) -> None:
    pass_a_pid_on(machine)


@pytest.mark.containers_only("FIFOs join it to the host")
def test_a_sender_that_lives_is_named(machine: Machine) -> None:
    os.mkfifo(machine.shared / "go")
    giver = machine.start(*in_unit("giver", *machine.program("pid_giver")))
    machine.wait_for("MESSAGE=first of the giver")
    (entry,) = machine.datagrams()
    assert (entry["OBJECT_COMM"], entry["SYSLOG_IDENTIFIER"]) == (b"python3", b"python3")
    assert "OBJECT_CMDLINE" not in entry
    (machine.shared / "go").write_text("\n")
    machine.finish(giver)


@pytest.mark.containers_only("FIFOs join it to the host")
def test_an_exec_and_a_move_to_another_unit_show_within_a_second(machine: Machine) -> None:
    os.mkfifo(machine.shared / "go")
    (machine.shared / "another").symlink_to("/usr/bin/python3")
    machine.run("systemd-run", "--quiet", "--unit=one", *machine.program("mover"))
    machine.run("systemd-run", "--quiet", "--unit=two", "sleep", "infinity")
    machine.wait_for("MESSAGE=before")
    time.sleep(1)
    pid = machine.show("one.service", "MainPID")
    machine.run("sh", "-c", f"echo {pid} >/sys/fs/cgroup/system.slice/two.service/cgroup.procs")
    (machine.shared / "go").write_text("\n")
    machine.wait_for("MESSAGE=after")
    before, after = machine.datagrams()
    assert before["OBJECT_PID"] == after["OBJECT_PID"] == pid.encode()
    assert (before["OBJECT_COMM"], before["OBJECT_SYSTEMD_UNIT"]) == (b"python3", b"one.service")
    assert (after["OBJECT_COMM"], after["OBJECT_SYSTEMD_UNIT"]) == (b"another", b"two.service")


def test_the_socket_can_be_narrowed_to_a_group(machine: Machine) -> None:
    folder = "/run/systemd/system/udsd.socket.d"
    machine.run("mkdir", "-p", folder)
    machine.run("tee", f"{folder}/group.conf", stdin=b"[Socket]\nSocketMode=0660\nSocketGroup=daemon\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "udsd.socket")
    machine.run("udsd-send", "hello", user="nobody", status=os.EX_NOPERM)
    machine.run("udsd-send", "hello", user="daemon")
    machine.wait_for("MESSAGE=hello")


def test_journalctl_shows_it_for_the_unit_that_sent(machine: Machine) -> None:
    app = ["systemd-run", "--quiet", "--unit=app", "--property=User=nobody", "sh", "-c"]
    machine.run(*app, "(echo hello from app; exec sleep infinity) | udsd-send")
    machine.wait_for("MESSAGE=hello from app")
    assert len(machine.journal("OBJECT_SYSTEMD_UNIT=app.service")) == 1
    assert not any("UDSD_SOCKET" in entry for entry in machine.journal("--unit=app.service"))
    machine.drop_in("root", TOP.joinpath("systemd/examples/journalctl-u.conf").read_text())
    machine.run("systemctl", "restart", "udsd.service")
    machine.run("systemctl", "stop", "app.service")
    machine.run(*app, "(echo hello as root; exec sleep infinity) | udsd-send")
    machine.wait_for("MESSAGE=hello as root")
    (entry,) = [entry for entry in machine.journal("--unit=app.service") if "UDSD_SOCKET" in entry]
    assert (entry["MESSAGE"], entry["OBJECT_COMM"]) == (b"hello as root", b"udsd-send")
    assert "UDSD_SENDER_PID" in entry
    assert not {"OBJECT_PID", "OBJECT_EXE"} & entry.keys(), (
        "journald would add the fields of the process that has this pid now"
    )
    capabilities = machine.text("grep", "CapEff", f"/proc/{machine.service_pid()}/status")
    assert int(capabilities.split()[1], 16) == 0


def test_a_sender_in_name_spaces_of_its_own_is_seen_from_outside(machine: Machine) -> None:
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "udsd-send"]
    machine.run(*command, "hello", user="daemon")  # not nobody: what has no number here is 65534 as well
    machine.run(*command, "DONE", user="daemon")
    machine.wait_for("MESSAGE=DONE")
    uid = machine.text("id", "-u", "daemon").encode()
    for entry in machine.datagrams():
        assert entry["OBJECT_UID"] == uid
        assert int(entry["OBJECT_PID"]) > 2
    assert machine.show("udsd.service", "ActiveState") == "active"


def test_exposure(machine: Machine) -> None:
    shown = machine.text("systemd-analyze", "security", "--no-pager", "udsd.service").splitlines()[-1]
    assert float(shown.split()[-3]) <= 0.6, shown
