"""The tables that a run prints, as Markdown that reads well in a terminal too."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from tests.bench import flood
from tests.bench.bars import Bar
from tests.bench.contenders import CONTENDERS
from tests.bench.hop import RATES, WAYS
from tests.bench.results import Results
from tests.bench.short_lived import LINES
from tests.bench.short_lived import WAYS as WAYS_OF_LOGGER
from tests.bench.throughput import LOADS


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with columns of even width; numbers are to the right."""
    lines = [header, *rows]
    columns = list(zip(*lines, strict=True))
    numbers = [all(cell[:1].isdigit() for cell in cells[1:]) for cells in columns]
    widths = [max(map(len, cells)) for cells in columns]
    rule = ["-" * (width - 1) + (":" if number else "-") for width, number in zip(widths, numbers, strict=True)]
    return "\n".join(_line(cells, widths, numbers) for cells in (header, rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, numbers, strict=True)
    )
    return f"| {' | '.join(padded)} |"


def tables(results: Results, bars: Sequence[Bar]) -> Iterator[str]:
    """A table for each part that was measured, each with its heading; the bars are the last."""
    if results.cases:
        columns = ("load", "way", "entries/s", "sender", "relay", "journald", "together", "lost")
        yield "Throughput, and CPU time an entry in us\n\n" + table(columns, _throughput(results))
    if results.latencies:
        times = ("entries/s", "way", "p50", "p99", "p99.9")
        yield "Latency from sending to journald's socket, in us\n\n" + table(times, _latency(results))
    if rest := list(_rest(results)):
        yield "Alone\n\n" + table(("figure", "measured"), rest)
    if results.shots:
        shots = ("one-shot senders", "CPU of relay and journald", "entries", "with their unit")
        yield "Short-lived senders, us an entry\n\n" + table(shots, _shots(results))
    if results.besides:
        delays = ("queue", "p50", "p99")
        yield (
            f"From sending to journald, in ms, at {flood.RATE}/s beside a flood from {flood.SENDERS} senders\n\n"
            + table(delays, _besides(results))
        )
    if results.faults:
        counts = ("fault under load", "relay", "datagrams taken", "lost", "repeated", "errors at senders")
        yield "Faults\n\n" + table(counts, _faults(results))
    yield "Bars\n\n" + table(("figure", "measured", "bar", "met or not"), map(_verdict, bars))


def _throughput(results: Results) -> Iterator[Sequence[str]]:
    for load in LOADS:
        for contender in CONTENDERS:
            if cases := results.of(contender, load):
                lost, sent = sum(case.lost for case in cases), sum(case.sent for case in cases)
                yield (
                    str(load),
                    contender.name,
                    f"{median(case.rate for case in cases):,.0f}",
                    f"{median(case.sender_cpu for case in cases):.1f}",
                    f"{median(case.relay_cpu for case in cases):.1f}",
                    f"{median(case.journald_cpu for case in cases):.1f}",
                    f"{median(case.cpu for case in cases):.1f}",
                    f"{lost:,} of {sent:,}" if lost else "0",
                )


def _latency(results: Results) -> Iterator[Sequence[str]]:
    for rate in RATES:
        for way in WAYS:
            cases = results.hops(way, rate)
            yield (
                f"{rate:,}",
                way,
                f"{median(case.p50 for case in cases):,.0f}",
                f"{median(case.p99 for case in cases):,.0f}",
                f"{median(case.p999 for case in cases):,.0f}",
            )


def _shots(results: Results) -> Iterator[Sequence[str]]:
    for way in WAYS_OF_LOGGER:
        cases = results.shots_of(way)
        entries, named = sum(case.entries for case in cases), sum(case.with_unit for case in cases)
        yield way, f"{median(case.cpu for case in cases):.0f}", f"{entries:,}", f"{named:,}"


def _besides(results: Results) -> Iterator[Sequence[str]]:
    for length in flood.LENGTHS:
        cases = [case for case in results.besides if case.length == length]
        yield f"{length:,}", *(f"{median(times):,.1f}" for times in zip(*((c.p50, c.p99) for c in cases), strict=True))


def _faults(results: Results) -> Iterator[Sequence[str]]:
    for one in results.faults:
        yield one.fault, one.relay, *(f"{number:,}" for number in (one.taken, one.lost, one.repeated, one.errors))


def _rest(results: Results) -> Iterator[Sequence[str]]:
    if results.ceilings:
        yield "udsd into a counting socket", f"{median(one.rate for one in results.ceilings):,.0f} entries/s"
        yield "its CPU time an entry there", f"{median(one.cpu for one in results.ceilings):.1f} us"
    if results.memories:
        yield "resident memory, idle", f"{median(one.idle for one in results.memories):,.0f} KiB"
        yield "resident memory, at the end of a load", f"{median(one.loaded for one in results.memories):,.0f} KiB"
    if results.scripts:
        named, lines = sum(one.with_comm for one in results.scripts), sum(one.entries for one in results.scripts)
        yield f"OBJECT_COMM known, programs of {LINES} lines that have ended", f"{named:,} of {lines:,} entries"
    if results.activations:
        yield "first datagram to entry, which starts the service", _ms(median(results.activations))
    for name, times in results.walls.items():
        yield f"wall time of {name}", _ms(median(times))


def _ms(us: float) -> str:
    return f"{us / 1000:.1f} ms"


def _verdict(bar: Bar) -> Sequence[str]:
    measured = "not measured" if bar.measured is None else f"{bar.measured:.2f}{bar.unit}"
    return bar.figure, measured, bar.wanted, {None: "", True: "met", False: "NOT MET"}[bar.met]
