"""Whom entries name on each kernel that Debian ships: python3 -m tests.bench.kernels, as root, once tests/run has run.

Two measurements, each on an emulated machine (see tests/container/emulated.py):

- One-shot senders: calls of logger(1) in a service, in turn to udsd and to journald's own /dev/log. How many entries
  name the unit and the process, and how many name a wrong one.
- Scarce pids: two services send from processes that end at once while pids are so few that they are given again after
  some hundred. Each message says who has sent it. An entry that names somebody else is wrong; there must be none.

With --native, both are measured at the full speed of this machine: in containers, where udsd gets from the kernel no
more than the kernel of the suite would give (older_kernel.py in tests/container/programs). Emulated, programs are
slower by another factor than the kernel; here the scheduler is that of another kernel. Scarce pids take Linux 6.14
here, where each container has a limit of its own.

Prints tables. The counts depend on who is faster: on a host that does other things besides, more senders have ended
before they are looked at. Compare what was measured in one run.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.figures import turned
from tests.bench.tables import table
from tests.container.emulated import booted
from tests.container.images import READY, SUITES, image
from tests.container.machines import Entry, Machine, build_package, install, run_in_root
from tests.container.machines import booted as container
from tests.source import TOP

PARTS = ("one-shots", "scarce-pids")

_PROGRAMS = Path(__file__).parent / "programs"
_COMPILER = ("gcc", "libc6-dev", "libsystemd-dev")  # as for tests/container/clients.py: the image is there
_SOCKET = "/run/udsd/udsd.sock"
_UNITS = {"one": "alpha", "two": "beta"}  # and the name of their processes
# What the kernel of a suite does not have.
_LACKS = {
    "bookworm": ("PASSPIDFD", "PIDFD_GET_INFO", "PASSRIGHTS"),
    "trixie": ("PIDFD_GET_INFO", "PASSRIGHTS"),
    "sid": (),
}
_TOGETHER = 60  # processes of each unit at a time: with 400 pids more than there is room for, see --pids


class Way(NamedTuple):
    """A way to log, and the fields by which its entries name the sender."""

    name: str
    options: Sequence[str]
    match: str
    unit: str
    comm: str


_UDSD = Way("udsd", ("-u", _SOCKET, "-d"), f"UDSD_SOCKET={_SOCKET}", "OBJECT_SYSTEMD_UNIT", "OBJECT_COMM")
_JOURNALD = Way("journald", (), "_TRANSPORT=syslog", "_SYSTEMD_UNIT", "_COMM")


class Count(NamedTuple):
    """What some entries tell of their senders."""

    stored: int
    units: int
    comms: int
    unproven: int
    wrong_units: int
    wrong_comms: int


def main() -> int:
    """Measure and print; the exit status is 1 if an entry named a wrong sender, be it with a word of doubt or not."""
    options = _options()
    counts: dict[tuple[str, str], list[Count]] = {}
    scarce: list[tuple[str, Count, Count, float]] = []
    loads: list[float] = []
    with tempfile.TemporaryDirectory(prefix="udsd-bench-") as folder:
        package = build_package(TOP, Path(folder))
        _compile(Path(folder))
        for suite in options.suites:
            with (_native if options.native else _emulated)(suite, package) as (machine, kernel):
                if "one-shots" in options.only:
                    for turn in range(options.rounds):
                        for way in turned((_UDSD, _JOURNALD), turn):
                            found = _one_shots(machine, way, options.calls)
                            counts.setdefault((kernel, way.name), []).append(found)
                            loads.append(os.getloadavg()[0])
                            sys.stderr.write(f"{kernel}: {way.name}: {found}\n")
                if "scarce-pids" in options.only:
                    scarce.append((kernel, *_scarce_pids(machine, Path(folder), options.senders, options.pids)))
                    loads.append(os.getloadavg()[0])
                    sys.stderr.write(f"{scarce[-1]}\n")
    sys.stdout.write("\n\n".join([*_tables(options, counts, scarce), _host(loads), ""]))
    told = [count for rounds in counts.values() for count in rounds] + [everything for _, everything, _, _ in scarce]
    return int(any(count.wrong_units or count.wrong_comms for count in told))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.kernels")
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES, help="of Debian (default: all)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--native", action="store_true", help="in containers, where udsd sees no more of the kernel")
    parser.add_argument("--rounds", type=int, default=5, help="how often the one-shots are sent (default: 5)")
    parser.add_argument("--calls", type=int, default=600, help="one-shots of a round (default: 600)")
    parser.add_argument("--senders", type=int, default=100_000, help="with scarce pids (default: 100,000)")
    parser.add_argument(
        "--pids", type=int, default=400, help="kernel.pid_max; those from 300 on are given again (default: 400)"
    )
    return parser.parse_args()


def _compile(folder: Path) -> None:
    command = "gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -o /target/alpha /source/short_lived.c"
    binds = (f"--bind-ro={_PROGRAMS}:/source", f"--bind={folder}:/target")
    run_in_root(image(SUITES[0], _COMPILER), command, binds=binds)


@contextmanager
def _emulated(suite: str, package: Path) -> Iterator[tuple[Machine, str]]:
    with booted(suite, READY) as machine:
        _prepare(machine, package)
        yield machine, f"{machine.kernel()} ({suite})"


@contextmanager
def _native(suite: str, package: Path) -> Iterator[tuple[Machine, str]]:
    with container(suite, READY) as machine:
        machine.older_kernel(*_LACKS[suite])
        _prepare(machine, package)
        yield machine, f"{os.uname().release}, like {suite}'s"


def _prepare(machine: Machine, package: Path) -> None:
    install(machine, package)
    machine.options("--rate-limit=off")
    machine.run("systemctl", "start", "udsd.service")


def _one_shots(machine: Machine, way: Way, calls: int) -> Count:
    """What entries tell of so many processes of one service."""
    machine.mark()
    loop = f'i=0; while [ $i -lt {calls} ]; do logger {" ".join(way.options)} "one-shot $i"; i=$((i + 1)); done'
    _in_units(machine, {"oneshot": ("sh", "-c", loop)})
    if way is _UDSD:
        _until_read(machine)
    found = [entry for entry in _entries(machine, way) if entry["MESSAGE"].startswith(b"one-shot ")]
    return _count(found, way, lambda _: ("oneshot.service", "logger"))


def _scarce_pids(machine: Machine, folder: Path, senders: int, pids: int) -> tuple[Count, Count, float]:
    """What all entries tell of two services' processes; of those without a word of doubt; and how long it took."""
    for comm in _UNITS.values():
        shutil.copy(folder / "alpha", machine.shared / comm)
    machine.run("mount", "-o", "remount,rw", "/proc/sys", status=None)  # it is mounted in a container only
    machine.mark()
    limit = machine.text("sysctl", "--values", "kernel.pid_max")
    machine.run("sysctl", "--quiet", f"kernel.pid_max={pids}")
    began = time.monotonic()
    try:
        share, together = str(senders // len(_UNITS)), str(_TOGETHER)
        _in_units(
            machine,
            {
                unit: ("env", f"UNIT={unit}.service", f"/host/{comm}", _SOCKET, share, together)
                for unit, comm in _UNITS.items()
            },
        )
    finally:
        machine.run("sysctl", "--quiet", f"kernel.pid_max={limit}")
    took = time.monotonic() - began
    _until_read(machine)
    found = [entry for entry in _entries(machine, _UDSD) if entry["MESSAGE"] != b"that is all"]
    certain = [entry for entry in found if "UDSD_SENDER_UNPROVEN" not in entry]
    return _count(found, _UDSD, _as_it_says), _count(certain, _UDSD, _as_it_says), took


def _until_read(machine: Machine) -> None:
    """Wait until udsd has stored all that was sent so far."""
    machine.run("udsd-send", "that is all")
    machine.wait_for("MESSAGE=that is all", seconds=600)


def _as_it_says(entry: Entry) -> tuple[str, str]:
    unit, comm, _ = entry["MESSAGE"].decode().split(maxsplit=2)
    return unit, comm


def _in_units(machine: Machine, commands: dict[str, Sequence[str]]) -> None:
    """Run each command as a service of its own, all at the same time, to their ends."""
    service = ("systemd-run", "--quiet", "--wait", "--collect", "--property=User=nobody")
    for started in [machine.start(*service, f"--unit={unit}", *words) for unit, words in commands.items()]:
        machine.finish(started)


def _entries(machine: Machine, way: Way) -> list[Entry]:
    return machine.journal(way.match, fields=("MESSAGE", way.unit, way.comm, "UDSD_SENDER_UNPROVEN"))


def _count(entries: Sequence[Entry], way: Way, truth: Callable[[Entry], tuple[str, str]]) -> Count:
    units = [(entry[way.unit].decode(), truth(entry)[0]) for entry in entries if way.unit in entry]
    comms = [(entry[way.comm].decode(), truth(entry)[1]) for entry in entries if way.comm in entry]
    return Count(
        stored=len(entries),
        units=len(units),
        comms=len(comms),
        unproven=sum("UDSD_SENDER_UNPROVEN" in entry for entry in entries),
        wrong_units=sum(told != true for told, true in units),
        wrong_comms=sum(told != true for told, true in comms),
    )


def _host(loads: Sequence[float]) -> str:
    """What else went on: an emulated machine alone makes a load of 1 to 3."""
    return f"The host has {os.cpu_count()} cores and had a load of {min(loads):.1f} to {max(loads):.1f}"


def _tables(
    options: argparse.Namespace,
    counts: dict[tuple[str, str], list[Count]],
    scarce: Sequence[tuple[str, Count, Count, float]],
) -> Iterator[str]:
    if counts:
        yield f"{options.calls} one-shots, {options.rounds} rounds: medians, lowest and highest"
        header = ("kernel", "way", "stored", "unit named", "wrong", "process named", "wrong", "unproven")
        yield table(header, ((*case, *map(_spread, _columns(found))) for case, found in counts.items()))
    if scarce:
        yield f"{options.senders:,} senders that end at once, of two units, with {options.pids} pids"
        header = ("kernel", "entries", "stored", "unit named", "wrong", "process named", "wrong", "seconds")
        rows = []
        for kernel, everything, certain, took in scarce:
            for which, count in (("all", everything), ("without UDSD_SENDER_UNPROVEN", certain)):
                *columns, _ = _columns([count])
                rows.append((kernel, which, *(f"{number:,}" for (number,) in columns), f"{took:.0f}"))
        yield table(header, rows)


def _columns(counts: Iterable[Count]) -> Iterator[Sequence[int]]:
    """The numbers of some counts, in the order of the tables."""
    order = ("stored", "units", "wrong_units", "comms", "wrong_comms", "unproven")
    yield from ([getattr(count, name) for count in counts] for name in order)


def _spread(numbers: Sequence[int]) -> str:
    return f"{median(numbers):.0f} ({min(numbers)}, {max(numbers)})"


if __name__ == "__main__":
    sys.exit(main())
