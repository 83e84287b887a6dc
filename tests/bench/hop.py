"""From a sender to journald's socket, with a program of ours behind that socket instead of journald.

`latency` is the time from a message's sending to its arrival there, with udsd between and without; `ceiling` is how
many entries a second udsd can take in and pass on when nobody is slower than itself. This udsd binds a socket of its
own and sees our socket in journald's place; it is a new one in each case, since one that finds its journald replaced
sends again what may be lost.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.contenders import DIRECT, UDSD
from tests.bench.figures import percentile, turned
from tests.bench.lab import SEES_OWN_JOURNALD, Lab

WAYS = (DIRECT.name, UDSD.name)
RATES = (100, 1_000, 10_000)  # entries a second
SIZE = 256
_SECONDS = {100: 10.0, 1_000: 5.0, 10_000: 3.0}
_CEILING_ENTRIES = 200_000

_UNIT = "bench-hop"
_SOCKET = "/run/bench/hop.sock"


@dataclass(frozen=True)
class Latency:
    """Times from sending to arrival in one case, in us."""

    way: str
    rate: int
    entries: int
    p50: float
    p99: float
    p999: float


@dataclass(frozen=True)
class Ceiling:
    """How fast udsd was in one case, and the CPU time it used, in us an entry."""

    rate: float
    cpu: float


def latencies(lab: Lab, rounds: int, scale: float) -> Iterator[Latency]:
    """Both ways at all rates, so often; `scale` is how much shorter than usual."""
    for turn in range(rounds):
        for rate in RATES:
            entries = max(10, int(rate * _SECONDS[rate] * scale))
            for way in turned(WAYS, turn):
                yield _direct(lab, rate, entries) if way == DIRECT.name else _through_udsd(lab, rate, entries)


def ceilings(lab: Lab, rounds: int, scale: float) -> Iterator[Ceiling]:
    """How fast udsd goes, so often."""
    entries = int(_CEILING_ENTRIES * scale)
    for _ in range(rounds):
        with lab.receiver("count", entries) as last_arrival, _udsd(lab):
            used = lab.cpu(f"{_UNIT}.service")
            said = json.loads(lab.log("load-datagram", "@top", str(entries), str(SIZE), "1", "none", _SOCKET))
            seconds = (last_arrival() - said["start"]) / 1e9
            used = lab.cpu(f"{_UNIT}.service") - used
        yield Ceiling(entries / seconds, used / entries)


def _direct(lab: Lab, rate: int, entries: int) -> Latency:
    with lab.receiver("record", entries) as took:
        words = ("@hop", str(entries), str(SIZE), str(rate))
        lab.log("pace-direct", *words, properties=[SEES_OWN_JOURNALD])
        return _latency(DIRECT.name, rate, took())


def _through_udsd(lab: Lab, rate: int, entries: int) -> Latency:
    with lab.receiver("record", entries) as took, _udsd(lab):
        lab.log("pace-datagram", "@hop", str(entries), str(SIZE), str(rate), _SOCKET)
        return _latency(UDSD.name, rate, took())


def _latency(way: str, rate: int, took: list[int]) -> Latency:
    p50, p99, p999 = (percentile(took, percent) / 1000 for percent in (50, 99, 99.9))
    return Latency(way, rate, len(took), p50, p99, p999)


@contextmanager
def _udsd(lab: Lab) -> Iterator[None]:
    # It is killed, since one that is told to stop waits for a journald that is not there any more.
    properties = (SEES_OWN_JOURNALD, "--property=KillSignal=SIGKILL")
    words = ("udsd", "--sink=journal", "--rate-limit=off", "--listen", _SOCKET)
    lab.start_unit(_UNIT, *words, properties=properties)
    try:
        yield
    finally:
        lab.machine.run("systemctl", "stop", _UNIT)
