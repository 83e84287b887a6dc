"""Two trees side by side: python3 -m tests.bench.compare OLD [NEW], as root, once tests/run has run.

For a commit that must not make anything slower. OLD and NEW are checkouts (`git worktree add ../old COMMIT` makes one),
NEW is this one unless it is named. Both run in one machine, in turns: relay's CPU an entry for a steady sender and for
processes that end at once, with a counting program in journald's place, and the wall time of starting the daemon and
`udsd-send`. Prints medians with the lowest and the highest, and the ratio.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.bench.figures import turned
from tests.bench.lab import SEES_OWN_JOURNALD, Lab, lab
from tests.bench.tables import table
from tests.source import TOP

_UNIT = "bench-compare"
_SOCKET = "/run/bench/compare.sock"
_STEADY = 200_000
_ONE_SHOTS = 3_000
_TOGETHER = 8  # processes at a time
_STARTS = 20  # a round


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.compare", description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path, help="a checkout")
    parser.add_argument("new", type=Path, nargs="?", default=TOP, help="another one (default: this one)")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--suite", default="trixie", help="of Debian (default: trixie)")
    options = parser.parse_args()
    trees = {"old": options.old, "new": options.new}
    found: dict[str, dict[str, list[float]]] = {}
    with lab(options.suite) as machine:
        for name, tree in trees.items():
            shutil.copytree(tree / "udsd", machine.machine.shared / name / "udsd")
        for turn in range(options.rounds):
            for name in turned(list(trees), turn):
                for figure, values in _measure(machine, name):
                    found.setdefault(figure, {}).setdefault(name, []).extend(values)
                    sys.stderr.write(f"{figure}, {name}: {median(values):.2f}\n")
    rows = (
        (figure, _spread(by["old"]), _spread(by["new"]), f"{median(by['new']) / median(by['old']):.2f}")
        for figure, by in found.items()
    )
    sys.stdout.write(table(("figure", "old", "new", "ratio"), rows) + "\n")
    return 0


def _measure(lab: Lab, tree: str) -> Iterator[tuple[str, Sequence[float]]]:
    steady = ("load-datagram", "@top", str(_STEADY), "256", "1", "none", _SOCKET)
    yield "relay, us CPU an entry, steady sender", [_relay_cpu(lab, tree, _STEADY, steady)]
    one_shots = ("short-lived", _SOCKET, str(_ONE_SHOTS), str(_TOGETHER))
    yield "relay, us CPU an entry, one-shots", [_relay_cpu(lab, tree, _ONE_SHOTS, one_shots)]
    yield "systemd-run of the daemon, ms", list(_daemon_starts(lab, tree))
    for words in (("-m", "udsd.send", "hello"), ("-m", "udsd.send", "-t", "x", "hello")):
        yield f"python3 {' '.join(words)}, ms", _starts(lab, tree, words)


def _relay_cpu(lab: Lab, tree: str, entries: int, words: Sequence[str]) -> float:
    with lab.receiver("count", entries) as last_arrival:
        _start_daemon(lab, tree)
        used = lab.cpu(f"{_UNIT}.service")
        lab.log(*words, properties=["--property=Environment=UNIT=@one"])
        last_arrival()
        used = lab.cpu(f"{_UNIT}.service") - used
    lab.machine.run("systemctl", "stop", _UNIT)
    return used / entries


def _start_daemon(lab: Lab, tree: str) -> float:
    """The time until it is ready, in ms, with what systemd-run takes."""
    properties = (SEES_OWN_JOURNALD, "--property=KillSignal=SIGKILL", f"--property=Environment=PYTHONPATH=/host/{tree}")
    began = time.monotonic()
    daemon = ("python3", "-P", "-m", "udsd", "--sink=journal", "--rate-limit=off", "--listen", _SOCKET)
    lab.start_unit(_UNIT, *daemon, properties=properties)
    return (time.monotonic() - began) * 1000


def _daemon_starts(lab: Lab, tree: str) -> Iterator[float]:
    for _ in range(_STARTS):
        with lab.receiver("count", 1):
            yield _start_daemon(lab, tree)
            lab.machine.run("systemctl", "stop", _UNIT)


def _starts(lab: Lab, tree: str, words: Sequence[str]) -> Sequence[float]:
    command = ("env", f"PYTHONPATH=/host/{tree}", "python3", "-P", *words)
    (times,) = lab.ask("wall", str(_STARTS), *command)
    return [microseconds / 1000 for microseconds in times]


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}, {max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
