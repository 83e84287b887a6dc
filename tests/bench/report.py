"""What a run leaves behind: bench.json with medians and spreads, bench.svg with a plot of them.

A row of bench.json is a line of its own, and no number has more digits than a run can repeat: what differs between two
files is what differs between two runs.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.bench import flood, short_lived
from tests.bench.bars import Bar
from tests.bench.contenders import CONTENDERS
from tests.bench.figures import spread
from tests.bench.hop import RATES, WAYS
from tests.bench.plot import Panel, Row, svg
from tests.bench.results import Results
from tests.bench.throughput import LOADS, USUAL

Sample = TypeVar("Sample")
Figures = dict[str, object]  # a row


def write(folder: Path, environment: dict[str, object], results: Results, bars: Sequence[Bar]) -> list[Path]:
    """Write the figures and, of a run that has compared throughput, the plot; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(_lines({"environment": [environment], "bars": _verdicts(bars), **_all(results)}))
    written = [folder / "bench.json"]
    if results.cases:
        (folder / "bench.svg").write_text(_plot(results))
        written.append(folder / "bench.svg")
    return written


def _lines(parts: dict[str, list[Figures]]) -> str:
    """JSON with a line for each row."""
    texts = []
    for name, rows in parts.items():
        lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        texts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(texts) + "\n}\n"


def _verdicts(bars: Sequence[Bar]) -> list[Figures]:
    return [
        {**bar._asdict(), "measured": bar.measured and float(f"{bar.measured:.4g}"), "met": bar.met} for bar in bars
    ]


def _all(results: Results) -> dict[str, list[Figures]]:
    """All that was measured, part by part; a part that was left out has no rows."""
    walls: list[Figures] = [{"command": name, "us": spread(times)} for name, times in results.walls.items()]
    return {
        "throughput": _throughput(results),
        "latency": _latency(results),
        "ceiling": _spreads(results.ceilings, rate=lambda one: one.rate, cpu=lambda one: one.cpu),
        "memory": _spreads(results.memories, idle=lambda one: one.idle, loaded=lambda one: one.loaded),
        "activation": _spreads(results.activations, us=float),
        "wall": walls,
        "one_shots": _shots(results),
        "scripts": [vars(one) for one in results.scripts],
        "beside_a_flood": _besides(results),
        "faults": [vars(fault) for fault in results.faults],
    }


def _throughput(results: Results) -> list[Figures]:
    """Of each way under each load; CPU time is us an entry."""
    return [
        {
            "contender": contender.name,
            "size": load.size,
            "senders": load.senders,
            **_row(
                cases,
                rate=lambda case: case.rate,
                sender_cpu=lambda case: case.sender_cpu,
                relay_cpu=lambda case: case.relay_cpu,
                journald_cpu=lambda case: case.journald_cpu,
                cpu=lambda case: case.cpu,
            ),
            "sent": sum(case.sent for case in cases),
            "lost": sum(case.lost for case in cases),
        }
        for load in LOADS
        for contender in CONTENDERS
        if (cases := results.of(contender, load))
    ]


def _latency(results: Results) -> list[Figures]:
    """Of each way at each rate, in us."""
    return [
        {
            "way": way,
            "rate": rate,
            **_row(cases, p50=lambda case: case.p50, p99=lambda case: case.p99, p999=lambda case: case.p999),
        }
        for rate in RATES
        for way in WAYS
        if (cases := results.hops(way, rate))
    ]


def _shots(results: Results) -> list[Figures]:
    """Of each way of one-shot senders; CPU time of relay and journald is us an entry."""
    return [
        {
            "way": way,
            **_row(cases, cpu=lambda case: case.cpu),
            "entries": sum(case.entries for case in cases),
            "with_unit": sum(case.with_unit for case in cases),
        }
        for way in short_lived.WAYS
        if (cases := results.shots_of(way))
    ]


def _besides(results: Results) -> list[Figures]:
    """An honest sender beside a flood, for each length of the queue, in ms."""
    return [
        {"length": length, **_row(cases, p50=lambda case: case.p50, p99=lambda case: case.p99)}
        for length in flood.LENGTHS
        if (cases := [case for case in results.besides if case.length == length])
    ]


def _spreads(samples: Sequence[Sample], **figures: Callable[[Sample], float]) -> list[Figures]:
    """A row, if there are samples: how many, and the spread of each of their figures."""
    return [_row(samples, **figures)] if samples else []


def _row(samples: Sequence[Sample], **figures: Callable[[Sample], float]) -> Figures:
    return {"rounds": len(samples), **{name: spread(map(figure, samples)) for name, figure in figures.items()}}


def _plot(results: Results) -> str:
    load = USUAL
    rates, costs = [], []
    for contender in CONTENDERS:
        rate = results.case(contender, load, lambda case: case.rate)
        parts = [
            results.case(contender, load, lambda case: case.sender_cpu) or 0.0,
            results.case(contender, load, lambda case: case.relay_cpu) or 0.0,
            results.case(contender, load, lambda case: case.journald_cpu) or 0.0,
        ]
        if rate is not None:
            rates.append(Row(contender.name, [rate], f"{rate:,.0f}"))
            costs.append(Row(contender.name, parts, f"{sum(parts):.1f}"))
    return svg(
        "Ways to the systemd journal, compared",
        [
            Panel("Entries stored in a second", f"{load}; more is better", rates),
            Panel("CPU time an entry", "microseconds; less is better", costs, ("sender", "relay", "journald")),
        ],
    )
