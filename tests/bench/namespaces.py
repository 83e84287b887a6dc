"""What journal namespaces bring and cost: python3 -m tests.bench.namespaces, as root, once tests/bench/run has run.

Each namespace is udsd@NAME with a journald of its own. Measured are the entries a second of all together, and how long
a quiet namespace waits for its entries while another one is flooded: from sending to the moment that journald, not a
program in its place, notes for the entry. Prints tables.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

from tests.bench.figures import percentile, turned
from tests.bench.lab import Lab, MeasuringError, lab
from tests.bench.tables import table

_NUMBERS = (1, 2, 4)
_NAMES = ("n1", "n2", "n3", "n4")
_SIZE = 256
_SENDERS = 4  # of each namespace
_ENTRIES = 60_000  # of each namespace
_RATE, _SECONDS = 1_000, 5  # of the quiet one
_QUIET, _FLOODED, _CAPPED = "n1", "n2", "capped"
_SPAN = 10**12  # see bench.h

_UNLIMITED = "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limit=off\n"


class Place(NamedTuple):
    """Where something logs to: a namespace, or the machine's own journal."""

    name: str | None

    @property
    def socket(self) -> str:
        """Its udsd's."""
        return f"/run/udsd.{self.name}/udsd.sock" if self.name else "/run/udsd/udsd.sock"

    @property
    def option(self) -> Sequence[str]:
        """What journalctl has to be told."""
        return [f"--namespace={self.name}"] if self.name else []


class Neighbour(NamedTuple):
    """What goes on while the quiet sender sends: `flood` says where, if there is one."""

    words: str
    quiet: Place
    flood: Place | None


_NEIGHBOURS = (
    Neighbour("nobody else sends", Place(_QUIET), None),
    Neighbour("flood in another namespace, at its limit", Place(_QUIET), Place(_CAPPED)),
    Neighbour("flood in another namespace, no limit", Place(_QUIET), Place(_FLOODED)),
    Neighbour("flood in the same journal, no limit", Place(None), Place(None)),
)


class Latency(NamedTuple):
    """From sending to journald, in us."""

    p50: float
    p99: float


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.namespaces")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default: 5)")
    rounds = parser.parse_args().rounds
    rates: dict[int, list[float]] = {number: [] for number in _NUMBERS}
    latencies: dict[str, list[Latency]] = {neighbour.words: [] for neighbour in _NEIGHBOURS}
    with lab("trixie") as machine:
        _set_up(machine)
        for turn in range(rounds):
            for number in turned(_NUMBERS, turn):
                rates[number].append(_throughput(machine, _NAMES[:number], f"@{turn:02}{number}"))
                sys.stderr.write(f"{number} namespaces: {rates[number][-1]:,.0f} entries/s\n")
            for neighbour in turned(_NEIGHBOURS, turn):
                latencies[neighbour.words].append(_latency(machine, neighbour))
                sys.stderr.write(f"{neighbour.words}: {latencies[neighbour.words][-1]}\n")
        memory = [machine.resident(f"{unit}@{_QUIET}.service") / 1024 for unit in ("udsd", "systemd-journald")]
    sys.stdout.write("\n\n".join([*_tables(rates, latencies, memory), ""]))
    return 0


def _set_up(machine: Lab) -> None:
    for name in _NAMES:
        machine.machine.drop_in("bench", _UNLIMITED, f"udsd@{name}.service")
    for kind in ("socket", "service"):
        machine.machine.run("systemctl", "start", *(f"udsd@{name}.{kind}" for name in (*_NAMES, _CAPPED)))


def _fresh(machine: Lab, place: Place) -> None:
    machine.machine.run("journalctl", *place.option, "--quiet", "--rotate", "--vacuum-time=1us")


def _throughput(machine: Lab, names: Sequence[str], tag: str) -> float:
    """Entries a second of all namespaces together; each must have all of its own, once."""
    places = [Place(name) for name in names]
    for place in places:
        _fresh(machine, place)
    said = json.loads(machine.log("namespaces", tag, str(_ENTRIES), str(_SIZE), str(_SENDERS), *names))
    for place in places:
        shown = f"journalctl {' '.join(place.option)} --output=cat UDSD_SOCKET={place.socket}"
        count = "awk '{ stored++; if (!seen[substr($0, 1, 16)]++) different++ } END { print stored, different }'"
        found = machine.machine.text("sh", "-c", f"{shown} | grep ^{tag} | {count}")
        if found != f"{_ENTRIES + 1} {_ENTRIES + 1}":  # and the last message
            raise MeasuringError(f"{place.name}: {found} of {_ENTRIES + 1}")
    seconds: float = (said["end"] - said["start"]) / 1e9
    return _ENTRIES * len(names) / seconds


def _latency(machine: Lab, neighbour: Neighbour) -> Latency:
    entries = _RATE * _SECONDS
    for place in filter(None, {neighbour.quiet, neighbour.flood}):
        _fresh(machine, place)
    with _flood(machine, neighbour.flood):
        machine.log("pace-datagram", "@hop", str(entries), str(_SIZE), str(_RATE), neighbour.quiet.socket)
    machine.machine.run("udsd-send", "-u", neighbour.quiet.socket, "that is all")
    machine.machine.wait_for(*neighbour.quiet.option, "MESSAGE=that is all")
    took = list(_took(machine, neighbour.quiet))
    if len(took) != entries:
        raise MeasuringError(f"{neighbour.words}: {len(took)} of {entries}")
    return Latency(percentile(took, 50), percentile(took, 99))


@contextmanager
def _flood(machine: Lab, place: Place | None) -> Iterator[None]:
    if place is None:
        yield
        return
    words = (f"--unit={_FLOODED}-flood", "--collect", "--service-type=exec", "/run/bench/bin/load-datagram")
    load = ("@fld", str(_SPAN - 1), str(_SIZE), str(_SENDERS), "none", place.socket)
    machine.machine.run("systemd-run", "--quiet", *words, *load)
    try:
        yield
    finally:
        machine.machine.run("systemctl", "stop", f"{_FLOODED}-flood.service")


def _took(machine: Lab, place: Place) -> Iterator[float]:
    """Of each entry of the quiet sender, in us."""
    shown = ["journalctl", *place.option, "--output=json", "--output-fields=MESSAGE,__MONOTONIC_TIMESTAMP"]
    quiet = f"{' '.join(shown)} UDSD_SOCKET={place.socket} | grep '\"@hop'"
    for line in machine.machine.run("sh", "-c", quiet).stdout.splitlines():
        entry = json.loads(line)
        sent, noted = int(entry["MESSAGE"][4:16]), int(entry["__MONOTONIC_TIMESTAMP"]) * 1000
        yield (noted - sent) % _SPAN / 1000


def _tables(
    rates: dict[int, list[float]], latencies: dict[str, list[Latency]], memory: Sequence[float]
) -> Iterator[str]:
    cores = os.cpu_count()
    yield f"{cores} cores, {_SENDERS} senders a namespace, {_SIZE} bytes, {_ENTRIES:,} entries each"
    rows = [(str(number), f"{median(found):,.0f}", _range(found)) for number, found in rates.items()]
    yield table(("namespaces", "entries/s of all together", "lowest and highest"), rows)
    yield f"{cores} cores, one sender, {_RATE:,} entries/s, {_SENDERS} flooding; from sending to journald, in us"
    header = ("meanwhile", "p50", "lowest and highest", "p99", "lowest and highest")
    yield table(header, ((words, *_medians(found)) for words, found in latencies.items()))
    yield f"Memory after all this, in MiB: udsd {memory[0]:.0f}, journald of the namespace {memory[1]:.0f}"


def _medians(found: Sequence[Latency]) -> Iterator[str]:
    for times in ([latency.p50 for latency in found], [latency.p99 for latency in found]):
        yield f"{median(times):,.0f}"
        yield _range(times)


def _range(numbers: Sequence[float]) -> str:
    return f"{min(numbers):,.0f}, {max(numbers):,.0f}"


if __name__ == "__main__":
    sys.exit(main())
