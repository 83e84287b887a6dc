"""The bars that udsd has to clear: ratios of figures of one run, since only those mean something elsewhere."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.bench.contenders import DIRECT, RSYSLOG, UDSD
from tests.bench.results import Results, middle
from tests.bench.short_lived import TO_JOURNALD, TO_UDSD, OneShots
from tests.bench.throughput import CROWDS, USUAL, Case

_MANY = 1_000  # senders
_EIGHT = USUAL._replace(senders=8)


class Bar(NamedTuple):
    """A figure and its bar; `measured` is None in a run that left it out. `unit` is empty for a ratio."""

    figure: str
    measured: float | None
    limit: float
    at_least: bool
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is cleared, None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def wanted(self) -> str:
        """The bar in words."""
        return f"at {'least' if self.at_least else 'most'} {self.limit:g}{self.unit}"


def _rate(case: Case) -> float:
    return case.rate


def bars(results: Results) -> list[Bar]:
    """All bars, with what this run has measured."""
    direct = results.case(DIRECT, USUAL, _rate)
    udsd = results.case(UDSD, USUAL, _rate)
    added = _difference(*(middle(case.p50 for case in results.hops(way, 1_000)) for way in (UDSD.name, DIRECT.name)))
    memory = max((max(one.idle, one.loaded) for one in results.memories), default=None)
    python = results.wall("python3 -c pass")
    return [
        Bar(f"throughput, udsd to direct, {USUAL}", _ratio(udsd, direct), 1.0, at_least=True),
        Bar(
            f"throughput, udsd to direct, {_EIGHT}",
            _ratio(results.case(UDSD, _EIGHT, _rate), results.case(DIRECT, _EIGHT, _rate)),
            1.0,
            at_least=True,
        ),
        *_crowded(results),
        Bar(
            "sender's CPU an entry, udsd to direct",
            _ratio(*(results.case(way, USUAL, lambda case: case.sender_cpu) for way in (UDSD, DIRECT))),
            0.4,
            at_least=False,
        ),
        Bar(
            "CPU an entry, all processes together, udsd to direct",
            _ratio(*(results.case(way, USUAL, lambda case: case.cpu) for way in (UDSD, DIRECT))),
            1.10,
            at_least=False,
        ),
        Bar(
            "relay's CPU an entry, udsd to rsyslog",
            _ratio(*(results.case(way, USUAL, lambda case: case.relay_cpu) for way in (UDSD, RSYSLOG))),
            0.6,
            at_least=False,
        ),
        Bar(
            "relay's CPU an entry",
            results.case(UDSD, USUAL, lambda case: case.relay_cpu),
            5.5,
            at_least=False,
            unit=" us",
        ),
        Bar(
            "CPU an entry of one-shot senders, relay and journald, logger -u to logger",
            _ratio(*(middle(case.cpu for case in results.shots_of(way)) for way in (TO_UDSD, TO_JOURNALD))),
            1.4,
            at_least=False,
        ),
        Bar(
            "share of one-shot senders with their unit",
            _ratio(*_named(results.shots_of(TO_UDSD))),
            1.0,
            at_least=True,
        ),
        Bar(
            "share of lines with OBJECT_COMM, programs that have ended",
            _ratio(sum(one.with_comm for one in results.scripts), sum(one.entries for one in results.scripts)),
            1.0,
            at_least=True,
        ),
        Bar(
            "ceiling into a counting socket, to journald's own rate",
            _ratio(middle(case.rate for case in results.ceilings), direct),
            2.5,
            at_least=True,
        ),
        Bar("latency p50 at 1,000/s, above a direct send", added, 100, at_least=False, unit=" us"),
        Bar(
            "latency p99.9 at 1,000/s, udsd to direct",
            _ratio(*(middle(case.p999 for case in results.hops(way, 1_000)) for way in (UDSD.name, DIRECT.name))),
            2.0,
            at_least=False,
        ),
        Bar("resident memory", None if memory is None else memory / 1024, 20, at_least=False, unit=" MiB"),
        Bar(
            "udsd-send hello, to python3 -c pass", _ratio(results.wall("udsd-send hello"), python), 1.8, at_least=False
        ),
        Bar(
            "first datagram to entry, activated, to python3 -c pass",
            _ratio(middle(results.activations), python),
            10,
            at_least=False,
        ),
    ]


def _crowded(results: Results) -> Iterator[Bar]:
    for load in CROWDS:
        to_direct = 0.7 if load.senders >= _MANY else 1.0
        rate = results.case(UDSD, load, _rate)
        figure = f"udsd to direct, {load}"
        yield Bar(f"throughput, {figure}", _ratio(rate, results.case(DIRECT, load, _rate)), to_direct, at_least=True)
        if load.senders >= _MANY:
            to_rsyslog = _ratio(rate, results.case(RSYSLOG, load, _rate))
            yield Bar(f"throughput, udsd to rsyslog, {load}", to_rsyslog, 1.0, at_least=True)
        else:
            cost = _ratio(*(results.case(way, load, lambda case: case.cpu) for way in (UDSD, DIRECT)))
            yield Bar(f"CPU an entry, all processes together, {figure}", cost, 1.0, at_least=False)


def _named(cases: Sequence[OneShots]) -> tuple[int, int]:
    """How many entries have their unit, and how many there are."""
    return sum(case.with_unit for case in cases), sum(case.entries for case in cases)


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
