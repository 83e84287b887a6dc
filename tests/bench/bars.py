"""The bars that udsd has to clear: ratios of figures of one run, since only those mean something elsewhere."""

from typing import NamedTuple

from tests.bench.contenders import DIRECT, RSYSLOG, UDSD
from tests.bench.results import Results, middle
from tests.bench.throughput import USUAL, Case

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
        Bar(
            f"throughput, udsd to rsyslog, {USUAL}",
            _ratio(udsd, results.case(RSYSLOG, USUAL, _rate)),
            2.0,
            at_least=True,
        ),
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
            "ceiling into a counting socket, to journald's own rate",
            _ratio(middle(case.rate for case in results.ceilings), direct),
            2.5,
            at_least=True,
        ),
        Bar("latency p50 at 1,000/s, above a direct send", added, 100, at_least=False, unit=" us"),
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


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
