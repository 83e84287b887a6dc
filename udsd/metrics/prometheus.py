"""The counters in the text format of Prometheus, made by its client library. Only this module needs that library.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from udsd import __version__
from udsd.errors import UdsdError
from udsd.metrics.accounts import Sent
from udsd.metrics.counters import Counters
from udsd.metrics.reports import Render


class Family(NamedTuple):
    """One metric: its name and help text, the label besides `socket` (may be empty), and the values by this label."""

    name: str
    help: str
    label: str
    values: Callable[[Counters], Mapping[str, int]]


_SENDERS = ("unit", "user", "unknown")  # always all three: Prometheus sees no increase from a missing value to 1
_RESULTS = ("stored", "empty", "limited", "stops_obeyed", "undelivered")
_COUNTERS = (
    Family("udsd_datagrams", "Datagrams taken off the queue, by what became of them", "result",
           lambda of: {result: getattr(of, result) for result in _RESULTS}),
    Family("udsd_limited", "Datagrams dropped over the limit, by kind of sender", "sender",
           lambda of: {kind: of.limited_by[kind] for kind in _SENDERS}),
    Family("udsd_malformed", "Datagrams stored as text, by what was wrong", "kind", lambda of: of.malformed_by),
    Family("udsd_stops_refused", "DONE from senders who may not stop udsd", "", lambda of: {"": of.stops_refused}),
    Family("udsd_dropped_fields", "Fields that a sender may not set", "", lambda of: {"": of.dropped_fields}),
    Family("udsd_invalid_names", "Fields with names that journald does not take", "",
           lambda of: {"": of.invalid_names}),
    Family("udsd_unidentified", "Datagrams whose sender could not be identified", "", lambda of: {"": of.unidentified}),
    Family("udsd_payload_bytes", "Bytes of payload taken off the queue", "", lambda of: {"": of.bytes}),
)  # fmt: skip
_DATAGRAMS = "Datagrams of the 20 busiest senders, dropped ones included, on all sockets; the rest as other"
_LIMITED = "Datagrams of these senders dropped over the limit"


def render() -> Render:
    """Return a function that makes the text of a metrics file. Raises UdsdError if the library is not installed."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
        from prometheus_client.registry import Collector
    except ImportError as error:
        raise UdsdError(
            "--metrics needs the Python library prometheus_client",
            hint="install python3-prometheus-client",
            status=os.EX_UNAVAILABLE,
        ) from error

    class Snapshot(Collector):
        def __init__(
            self, counters: Mapping[str, Counters], accounts: Mapping[str, Sent], waits: int, waited: float
        ) -> None:
            self._sockets = {_text(name): of for name, of in counters.items()}
            self._accounts = accounts
            self._waits, self._waited = waits, waited

        def collect(self) -> Iterator[Metric]:
            for family in _COUNTERS:
                labels = ["socket", family.label] if family.label else ["socket"]
                counter = CounterMetricFamily(family.name, family.help, labels=labels)
                for socket, of in self._sockets.items():
                    for label, value in family.values(of).items():
                        counter.add_metric([socket, label][: len(labels)], value)
                yield counter
            largest = GaugeMetricFamily("udsd_largest_payload_bytes", "The largest payload so far", labels=["socket"])
            for socket, of in self._sockets.items():
                largest.add_metric([socket], of.largest)
            yield largest
            datagrams = CounterMetricFamily("udsd_account_datagrams", _DATAGRAMS, labels=["account"])
            limited = CounterMetricFamily("udsd_account_limited", _LIMITED, labels=["account"])
            for account, sent in self._accounts.items():
                datagrams.add_metric([account], sent.datagrams)
                limited.add_metric([account], sent.limited)
            yield from (datagrams, limited)
            yield InfoMetricFamily("udsd_build", "The version of udsd", value={"version": __version__})
            yield CounterMetricFamily("udsd_sink_waits", "Times that journald took no entry", value=self._waits)
            yield CounterMetricFamily("udsd_sink_wait_seconds", "Time for which it took none", value=self._waited)

    def text(counters: Mapping[str, Counters], accounts: Mapping[str, Sent], waits: int, waited: float) -> bytes:
        registry = CollectorRegistry()
        registry.register(Snapshot(counters, accounts, waits, waited))
        return bytes(generate_latest(registry))

    return text


def _text(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")
