"""A machine to be attacked, the attacks of programs/trap.py, and two with pids: one is claimed, one passes on."""

import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.container import emulated
from tests.container.disks import disk
from tests.container.images import READY
from tests.container.machines import Entry, Machine, booted, install
from tests.container.needs import make_image
from tests.patience import MACHINE_SECONDS

SOCKET = "/run/udsd/udsd.sock"
JSON = "/run/udsd/json.sock"


@contextmanager
def booted_victim(suite: str, package: Path, *, own_kernel: bool = False) -> Iterator[Machine]:
    """A machine on whose kernel descriptors pass, as on those of Debian 12 and 13. `own_kernel`: on its suite's own."""
    with _with_fuse(suite, own_kernel=own_kernel) as machine:
        install(machine, package)
        machine.older_kernel("PASSRIGHTS")
        machine.run("systemctl", "start", "udsd-format@json.socket")
        machine.run("udsd-send", "ready")
        machine.wait_for("MESSAGE=ready")
        yield machine


@contextmanager
def _with_fuse(suite: str, *, own_kernel: bool) -> Iterator[Machine]:
    if own_kernel:
        make_image(suite, READY, disk)
        with emulated.booted(suite, READY) as machine:
            machine.run("modprobe", "fuse")
            yield machine
    else:
        make_image(suite, READY)
        with booted(suite, READY, binds=("--bind=/dev/fuse",)) as container:
            container.run("chmod", "666", "/dev/fuse")  # as udev has it
            yield container


def attack(
    machine: Machine, kind: str, number: int = 1, socket: str = SOCKET, seconds: int = 0
) -> "subprocess.Popen[bytes]":
    """A process of nobody that attacks, in a unit of its own."""
    unit = ["systemd-run", "--quiet", "--pipe", "--wait", f"--unit=attack-{kind}", "--property=User=nobody"]
    return machine.start(*unit, *machine.program("trap", kind, socket, str(number), str(seconds)))


def taken(started: "subprocess.Popen[bytes]") -> int:
    said, _ = started.communicate()
    assert started.returncode == 0, said.decode()
    return int(said)


def reports(machine: Machine) -> list[Entry]:
    """Udsd's messages with numbers of what it dropped."""
    return [entry for entry in machine.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_DROPPED" in entry]


def unharmed(machine: Machine, pid: int) -> None:
    assert machine.service_pid() == pid
    assert machine.show("udsd.service", "NRestarts") == "0"


def claim_a_pid(machine: Machine) -> None:
    """A sender says that it is a process of root which it sees in a pid namespace of its own."""
    machine.mark()
    machine.run("mkfifo", "--mode=666", "/run/claims")
    started = attack(machine, "claim")
    inside = machine.text("cat", "/run/claims")
    enters = machine.start("nsenter", f"--target={inside}", "--pid", "sleep", "60")
    assert taken(started) == 1
    machine.wait_for("MESSAGE=claimed")
    (entry,) = machine.datagrams("MESSAGE=claimed")
    assert entry["OBJECT_UID"] == machine.text("id", "-u", "nobody").encode()
    told = {name for name in entry if name.startswith("OBJECT_")} | {"UDSD_SENDER_PID"} & entry.keys()
    assert told == {"OBJECT_UID", "OBJECT_GID"}, entry
    assert entry["SYSLOG_IDENTIFIER"] == b"unknown"
    machine.kill(enters)
    machine.run("rm", "/run/claims")


def pass_a_pid_on(machine: Machine) -> None:
    """A process ends while its datagram is queued, and one of another unit takes its pid and sends, too."""
    machine.drop_in("patient", "[Service]\nWatchdogSec=0\n")  # it is stopped for a while
    machine.run("systemctl", "restart", "udsd.service")
    machine.run("sh", "-c", "cd /host && mkfifo go pid end")
    machine.run("mount", "-o", "remount,rw", "/proc/sys", status=None)  # it is mounted in a container only
    service = ("systemd-run", "--quiet", "--wait")
    giver = machine.start(*service, "--unit=giver", "--property=User=nobody", *machine.program("pid_giver"))
    taker = machine.start(*service, "--unit=taker", *machine.program("pid_taker"))
    machine.wait_for("MESSAGE=first of the giver")
    (first,) = machine.datagrams()
    pid = first["OBJECT_PID"].decode()
    machine.run("kill", "-STOP", str(machine.service_pid()))
    machine.run("sh", "-c", "echo >/host/go")
    machine.finish(giver)
    # Opens when the taker has sent, and has it live on. It starts before the taker begins, or it might get that pid.
    keeper = machine.start("sh", "-c", "echo && exec 3>/host/end && echo && exec sleep infinity")
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == b"\n"
    machine.run("sh", "-c", f"echo {pid} >/host/pid")
    assert select.select([keeper.stdout], [], [], MACHINE_SECONDS)[0], f"{machine.suite}: pid {pid} was not taken"
    machine.run("kill", "-CONT", str(machine.service_pid()))
    machine.wait_for(f"MESSAGE=from the taker {pid}")
    entries = {entry["MESSAGE"].decode(): entry for entry in machine.datagrams()}
    machine.kill(keeper)
    machine.finish(taker)
    last, taken = entries[f"last of the giver {pid}"], entries[f"from the taker {pid}"]
    assert first["OBJECT_SYSTEMD_UNIT"] == b"giver.service"
    assert last["OBJECT_PID"] == taken["OBJECT_PID"] == pid.encode()
    assert last.get("OBJECT_SYSTEMD_UNIT", b"giver.service") == b"giver.service"
    assert last.get("OBJECT_COMM", first["OBJECT_COMM"]) == first["OBJECT_COMM"]  # known while it lived
    assert taken["OBJECT_SYSTEMD_UNIT"] == b"taker.service"
