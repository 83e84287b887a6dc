"""The machine that everything is measured on: a booted Debian with udsd's package, its rivals and our C programs.

1. journald keeps its rate limit from nobody here: it is off for all, or only udsd's unit would be free of it.
2. What logs runs in a unit of its own, as on a real machine: relays and journald look up the unit of a sender.
3. Sockets made from now on have queues as long as udsd's package asks for, its rivals' too. journald's was made at
   boot, before that, as on a real machine.
4. CPU time is what the kernel has counted for the control group of a unit, children that have ended included.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.container.images import READY
from tests.container.machines import Machine, booted, build_package, install
from tests.source import TOP

PROGRAMS = "/run/bench/bin"
JOURNALD = "systemd-journald.service"

# A folder whose `socket` takes journald's place, for a unit that is started with this property.
OWN_JOURNALD = "/run/bench/journald"
SEES_OWN_JOURNALD = f"--property=BindPaths={OWN_JOURNALD}:/run/systemd/journal"

_QUEUE_LENGTH = Path("/proc/sys/net/unix/max_dgram_qlen")
_SOURCES = Path(__file__).parent / "programs"
_PACKAGES = (*READY, "rsyslog", "gcc", "libc6-dev", "libsystemd-dev")

_SETTINGS = "[Journal]\nRateLimitIntervalSec=0\nRateLimitBurst=0\nForwardToSyslog=no\n"

# As Debian starts it, but for the path of its configuration and for limits of how often.
_RSYSLOG = """
[Unit]
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /bench/rsyslog.conf
Restart=on-failure
"""

# Each program, and what it is made of besides bench.c.
_MADE_OF = {
    "load-direct": ("load", "entry", "direct"),
    "load-syslog": ("load", "entry", "syslog"),
    "load-datagram": ("load", "entry", "datagram"),
    "pace-direct": ("pace", "direct"),
    "pace-datagram": ("pace", "datagram"),
    "first": ("first", "datagram"),
    "stored": ("stored",),
    "delays": ("delays",),
    "record": ("record",),
    "count": ("count",),
    "wall": ("wall",),
    "namespaces": ("namespaces", "datagram"),
    "short-lived": ("short_lived",),
}


class MeasuringError(Exception):
    """What was measured is worth nothing; the text says why."""


class Lab:
    """A machine, with the words for what a benchmark does on it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._cgroups = Path(f"/proc/{machine.leader}/root/sys/fs/cgroup/system.slice")

    def log(self, program: str, *words: str, properties: Sequence[str] = ()) -> bytes:
        """Run one of our programs in a unit of its own, to its end; what it prints."""
        unit = ["systemd-run", "--quiet", "--collect", "--pipe", "--wait", "--service-type=exec", *properties]
        return self.machine.run(*unit, f"{PROGRAMS}/{program}", *words).stdout

    def ask(self, program: str, *words: str) -> Any:
        """Run one of our programs to its end; what it prints, which is JSON."""
        return json.loads(self.machine.run(f"{PROGRAMS}/{program}", *words).stdout)

    def start_unit(self, name: str, *words: str, properties: Sequence[str] = ()) -> None:
        """Start a service that says when it is ready, and wait until it does."""
        unit = ["systemd-run", "--quiet", "--collect", "--service-type=notify", f"--unit={name}", *properties]
        self.machine.run(*unit, *words)

    @contextmanager
    def receiver(self, program: str, entries: int) -> Iterator[Callable[[], Any]]:
        """A program in journald's place that takes so many entries; call what this gives for what it prints then."""
        started = self.machine.start(f"{PROGRAMS}/{program}", f"{OWN_JOURNALD}/socket", str(entries))
        assert started.stdout is not None
        try:
            said = started.stdout.readline()
            if said != b"ready\n":
                raise MeasuringError(f"{program}: {said.decode()}")
            yield lambda: self._answer(started)
        finally:
            if started.poll() is None:
                self.machine.kill(started)

    def _answer(self, started: "subprocess.Popen[bytes]") -> Any:
        said, _ = started.communicate()
        if started.returncode != 0:
            raise MeasuringError(f"in journald's place: {said.decode()}")
        return json.loads(said)

    def cpu(self, unit: str) -> int:
        """CPU time that a service has used, in us."""
        stat = (self._cgroups / unit / "cpu.stat").read_text().split()
        return int(stat[stat.index("usage_usec") + 1])

    def resident(self, unit: str) -> int:
        """Resident memory of a service's main process, in KiB."""
        pid = self.machine.show(unit, "MainPID")
        return int(self.machine.text("grep", "^VmRSS:", f"/proc/{pid}/status").split()[1])

    def queue_length(self) -> int:
        """How many datagrams the queue of a socket holds that is made now."""
        return int(_QUEUE_LENGTH.read_text())

    def set_queue_length(self, length: int) -> None:
        """Have udsd's socket made anew with a queue of this length."""
        _QUEUE_LENGTH.write_text(f"{length}\n")
        self.machine.run("systemctl", "restart", "udsd.socket", "udsd.service")

    def fresh_journal(self) -> None:
        """Begin a new journal file and remove all others."""
        self.machine.run("journalctl", "--quiet", "--rotate", "--vacuum-time=1us")


@contextmanager
def lab(suite: str) -> Iterator[Lab]:
    """A machine that is ready for measuring, gone when this is left."""
    with tempfile.TemporaryDirectory(prefix="udsd-bench-") as folder:
        package = build_package(TOP, Path(folder))
        with booted(suite, _PACKAGES, binds=(f"--bind-ro={_SOURCES}:/bench",)) as machine:
            install(machine, package)
            machine.run("mkdir", "-p", PROGRAMS, OWN_JOURNALD)
            _compile(machine)
            _start(Lab(machine))
            yield Lab(machine)


def _compile(machine: Machine) -> None:
    for program, parts in _MADE_OF.items():
        sources = [f"/bench/{part}.c" for part in ("bench", *parts)]
        cc = ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
        machine.run(*cc, "-o", f"{PROGRAMS}/{program}", *sources, "-lsystemd")


def _start(made: Lab) -> None:
    machine = made.machine
    machine.run("systemctl", "disable", "--quiet", "--now", "rsyslog.service", "syslog.socket")
    machine.run("mkdir", "-p", "/run/systemd/journald.conf.d")
    machine.run("tee", "/run/systemd/journald.conf.d/bench.conf", stdin=_SETTINGS.encode())
    machine.run("systemctl", "restart", JOURNALD)
    machine.options("--rate-limit=off")
    # What udsd.socket does on a real machine. Here /proc/sys is the host's, and the machine may only read it.
    made.set_queue_length(int(machine.text("sed", "-n", "s/^net.* = //p", "/usr/lib/sysctl.d/60-udsd.conf")))
    machine.run("tee", "/run/systemd/system/bench-rsyslog.service", stdin=_RSYSLOG.encode())
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "bench-rsyslog.service")
    made.start_unit("bench-plain", "python3", "/bench/plain_loop.py", "/run/bench/plain.sock")
