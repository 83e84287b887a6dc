"""What a run leaves behind: bench.json with all that was measured, bench.svg with a plot of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench.bars import Bar
from tests.bench.contenders import CONTENDERS
from tests.bench.plot import Panel, Row, svg
from tests.bench.results import Results
from tests.bench.throughput import LOADS, USUAL


def write(folder: Path, environment: dict[str, object], results: Results, bars: Sequence[Bar]) -> list[Path]:
    """Write the figures and, of a run that has compared throughput, the plot; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = [{**bar._asdict(), "met": bar.met} for bar in bars]
    figures = {"environment": environment, "bars": verdicts, "medians": _medians(results), "samples": results.raw()}
    (folder / "bench.json").write_text(json.dumps(figures, indent=1) + "\n")
    written = [folder / "bench.json"]
    if results.cases:
        (folder / "bench.svg").write_text(_plot(results))
        written.append(folder / "bench.svg")
    return written


def _medians(results: Results) -> list[dict[str, object]]:
    """Of each way under each load, as the table has them."""
    return [
        {
            "contender": contender.name,
            "size": load.size,
            "senders": load.senders,
            "rate": median(case.rate for case in cases),
            "sender_cpu": median(case.sender_cpu for case in cases),
            "relay_cpu": median(case.relay_cpu for case in cases),
            "journald_cpu": median(case.journald_cpu for case in cases),
            "cpu": median(case.cpu for case in cases),
            "lost": sum(case.lost for case in cases),
        }
        for load in LOADS
        for contender in CONTENDERS
        if (cases := results.of(contender, load))
    ]


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
