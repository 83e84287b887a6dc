"""The benchmark's command: measure, print tables, write figures and a plot."""

import argparse
import datetime
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import faults, flood, footprint, hop, short_lived, throughput
from tests.bench.bars import bars
from tests.bench.lab import Lab, MeasuringError, lab
from tests.bench.report import write
from tests.bench.results import Results
from tests.bench.tables import tables
from tests.container.images import SUITES
from tests.source import TOP

PARTS = ("throughput", "latency", "ceiling", "memory", "activation", "start", "short", "flood", "faults")
_FOLDER = TOP / "dist/bench"

_ACTIVATIONS = 4  # a round
_STARTS = 12  # a round
_QUICK = 0.05  # how much smaller everything is with --quick


def main() -> int:
    """Run the benchmark with the process's own arguments; the exit status."""
    options = _options(sys.argv[1:])
    results = Results()
    with lab(options.suite) as machine:
        environment = _environment(machine)
        try:
            _measure(machine, results, options.only, options.rounds, _QUICK if options.quick else 1.0)
        except MeasuringError as error:
            _progress(f"\n{error}")
            return 1
    cleared = bars(results)
    written = write(options.out, environment, results, cleared)
    sys.stdout.write("\n\n".join(["", *tables(results, cleared), "\n".join(map(str, written))]) + "\n")
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--suite", choices=SUITES, default="trixie", help="of Debian (default: trixie)")
    parser.add_argument(
        "--out", type=Path, default=_FOLDER, help="folder for bench.json and bench.svg (default: dist/bench)"
    )
    parser.add_argument("--quick", action="store_true", help="one round of next to nothing, to see whether it works")
    options = parser.parse_args(words)
    if options.quick:
        options.rounds = 1
    return options


def _measure(machine: Lab, results: Results, parts: Sequence[str], rounds: int, scale: float) -> None:
    if "throughput" in parts:
        loads = [load._replace(entries=max(64, int(load.entries * scale))) for load in throughput.LOADS]
        for case in throughput.measure(machine, rounds, loads):
            _progress(f"{case.contender}, {case.size} B, senders: {case.senders}: {case.rate:,.0f} entries/s")
            results.cases.append(case)
    if "latency" in parts:
        for latency in hop.latencies(machine, rounds, scale):
            _progress(f"latency of {latency.way} at {latency.rate}/s: {latency.p50:.0f} us")
            results.latencies.append(latency)
    if "ceiling" in parts:
        for ceiling in hop.ceilings(machine, rounds, scale):
            _progress(f"ceiling: {ceiling.rate:,.0f} entries/s")
            results.ceilings.append(ceiling)
    if "memory" in parts:
        load = throughput.USUAL._replace(senders=8, entries=int(throughput.USUAL.entries * scale))
        for memory in footprint.memories(machine, rounds, load):
            _progress(f"memory: {memory.idle} KiB, {memory.loaded} KiB")
            results.memories.append(memory)
    if "activation" in parts:
        results.activations += footprint.activations(machine, rounds * _ACTIVATIONS)
    if "start" in parts:
        results.walls = footprint.walls(machine, rounds * _STARTS)
    _measure_senders(machine, results, parts, rounds, scale)
    if "faults" in parts and scale == 1.0:
        for fault in faults.faults(machine):
            _progress(f"{fault.fault}, {fault.relay}: lost {fault.lost:,} of {fault.taken:,}")
            results.faults.append(fault)


def _measure_senders(machine: Lab, results: Results, parts: Sequence[str], rounds: int, scale: float) -> None:
    if "short" in parts:
        for shots in short_lived.one_shots(machine, rounds, scale):
            _progress(f"{shots.way}: {shots.cpu:.0f} us, {shots.with_unit} of {shots.entries} with their unit")
            results.shots.append(shots)
        results.scripts += short_lived.scripts(machine, rounds)
    if "flood" in parts:
        for beside in flood.beside(machine, rounds, scale):
            _progress(f"beside a flood, queue of {beside.length}: p99 {beside.p99:.0f} ms")
            results.besides.append(beside)


def _progress(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _environment(machine: Lab) -> dict[str, object]:
    cpu = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["tests/bench/run", *sys.argv[1:]]),
        "kernel": platform.release().partition("-")[0],
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "suite": machine.machine.suite,
        "systemd": machine.machine.text("systemctl", "--version").splitlines()[0],
        "python": machine.machine.text("/usr/bin/python3", "--version"),
        "rsyslog": machine.machine.text("rsyslogd", "-v").splitlines()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
