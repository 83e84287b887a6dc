"""What udsd tells of its counters, and what others make of that: node_exporter, the alerts, the dashboard."""

import ctypes
import json
import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.container.images import READY, image
from tests.container.machines import PROGRAMS, Machine, booted, install, run_in_root
from tests.container.needs import make_image
from tests.patience import MACHINE_SECONDS
from tests.source import TOP
from udsd import __version__
from udsd.journal.log import STATISTICS
from udsd.metrics import prometheus
from udsd.metrics.accounts import Sent
from udsd.metrics.counters import Counters

pytestmark = pytest.mark.one_machine

_EXAMPLES = TOP / "systemd/examples"
_RULES = _EXAMPLES / "prometheus-rules.yml"
_SUITE = "trixie"
_WATCHED = (*READY, "python3-prometheus-client", "prometheus-node-exporter")
_PROMETHEUS = ("prometheus",)

_FILE = "/run/udsd-metrics/udsd.prom"
_LINK = "/var/lib/prometheus/node-exporter/udsd.prom"
_IN_MOVED_TO = 0x80

Told = dict[str, int]

_families: Callable[[str], Iterable[Metric]] = text_string_to_metric_families  # which is untyped

# More than root sends, less than the others do: the user nobody, and a unit.
_LIMIT = 20
_BROKEN = [b"<13>1 2026-11-25T00:00:00Z broken", b"<13>1 2026-11-25T00:00:01Z a", b"<13>1 - - - - - [broken x"]
_ROOT = [b"hello", b"<3>syslog", b"", *_BROKEN, b"", b"x" * 5000]
_NOBODY = [b"DONE", *[b"flood %d" % number for number in range(30)], b"DONE"]
_UNIT = [b"from a unit"] * 50
_LAST = b"that is all"

_SENT: Told = {
    "received": len(_ROOT) + len(_NOBODY) + len(_UNIT) + 1,
    "stored": len(_ROOT) - 2 + _LIMIT + _LIMIT + 1,
    "empty": 2,
    "limited": len(_NOBODY) + len(_UNIT) - 2 * _LIMIT,
    "limited_user": len(_NOBODY) - _LIMIT,
    "limited_unit": len(_UNIT) - _LIMIT,
    "stops_refused": 2,  # one of them is stored, the other is over the limit
    "stops_obeyed": 0,
    "undelivered": 0,
    "malformed_datagrams": 3,
    "malformed_header_of_RFC_5424": 2,
    "malformed_structured_data_of_RFC_5424": 1,
    "dropped_fields": 0,
    "invalid_names": 0,
    "bytes": sum(map(len, [*_ROOT, *_NOBODY, *_UNIT, _LAST])),
    "largest": 5000,
}


@pytest.fixture
def watched(package: Path) -> Iterator[Machine]:
    """A machine with node_exporter, on a network of its own since that has a port of its own."""
    make_image(_SUITE, _WATCHED)
    with booted(_SUITE, _WATCHED, binds=("--private-network",)) as machine:
        install(machine, package)
        machine.run("ln", "-s", _FILE, _LINK)
        yield machine


def send_all(machine: Machine) -> None:
    machine.run(*machine.program("send_frames", machine.frames(_ROOT)))
    machine.run("systemd-run", "--quiet", "--service-type=notify", "--unit=loud",
                *machine.program("send_frames", "--notify", machine.frames(_UNIT)))  # fmt: skip
    machine.run(*machine.program("send_frames", machine.frames(_NOBODY, "nobody")), user="nobody")
    machine.run("udsd-send", _LAST.decode())


def metrics(text: str) -> Told:
    """The counters in a text for Prometheus, by the names that they have elsewhere."""
    told: Told = {}
    for family in _families(text):
        of_sockets = family.name.startswith("udsd_") and not family.name.startswith(("udsd_account", "udsd_build"))
        for sample in family.samples if of_sockets else ():
            labels = sample.labels
            assert labels.get("socket") == ("/run/udsd/udsd.sock" if "wait" not in family.name else None)
            name = {
                "udsd_datagrams": labels.get("result", ""),
                "udsd_limited": f"limited_{labels.get('sender')}",
                "udsd_malformed": f"malformed_{re.sub('[ -]', '_', labels.get('kind', ''))}",
                "udsd_stops_refused": "stops_refused",
                "udsd_dropped_fields": "dropped_fields",
                "udsd_invalid_names": "invalid_names",
                "udsd_unidentified": "unidentified",
                "udsd_payload_bytes": "bytes",
                "udsd_largest_payload_bytes": "largest",
                "udsd_sink_waits": "waits",
                "udsd_sink_wait_seconds": "wait_usec",
            }[family.name]
            told[name] = int(sample.value * 1e6 if name == "wait_usec" else sample.value)
    results = ("stored", "empty", "limited", "stops_obeyed", "undelivered")
    told["received"] = sum(told[result] for result in results)
    told["malformed_datagrams"] = sum(number for name, number in told.items() if name.startswith("malformed_"))
    kinds_of_none = {name for name, number in told.items() if name.startswith("limited_") and not number}
    return {name: number for name, number in told.items() if name not in kinds_of_none}  # entries leave these out


def file_once(machine: Machine, wanted: Callable[[Told], bool]) -> Told:
    """The counters in the file of metrics once they are as wanted: it is looked at whenever it is replaced."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = f"/proc/{machine.leader}/root{os.path.dirname(_FILE)}"
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    deadline = time.monotonic() + MACHINE_SECONDS
    try:
        assert libc.inotify_add_watch(watch, folder.encode(), _IN_MOVED_TO) >= 0, os.strerror(ctypes.get_errno())
        while not wanted(told := metrics(machine.text("cat", _FILE, user="nobody"))):
            replaced = select.select([watch], [], [], max(0, deadline - time.monotonic()))[0]
            assert replaced, f"{_FILE} has not become what was wanted: {told}"
            os.read(watch, 4096)
    finally:
        os.close(watch)
    return told


def statistics(machine: Machine) -> Told:
    """The counters in the entry that is written when somebody asks."""
    machine.run("systemctl", "kill", "--signal=SIGUSR1", "udsd.service")
    match = f"MESSAGE_ID={STATISTICS.message_id.decode()}"
    machine.wait_for(match)
    (entry,) = machine.journal(match)
    assert entry["UDSD_STATISTICS_OF"] == b"/run/udsd/udsd.sock"
    found = {name.removeprefix("UDSD_"): value for name, value in entry.items() if name.startswith("UDSD_")}
    del found["STATISTICS_OF"], found["BUSIEST"]
    return {_own_name(name): int(value) for name, value in found.items()}


def _own_name(field: str) -> str:
    names = {name.upper(): name for name in _SENT}
    return names.get(field, field.lower())


# What the status calls some counters.
_IN_WORDS = {
    "dropped over the limit": "limited",
    "DONE refused": "stops_refused",
    "DONE obeyed": "stops_obeyed",
    "malformed": "malformed_datagrams",
    "fields dropped": "dropped_fields",
}


def status(machine: Machine) -> Told:
    words, _, _ = machine.show("udsd.service", "StatusText").partition("; busiest since ")
    pairs = (pair.rpartition(" ") for pair in words.split(", "))
    return {_IN_WORDS.get(words, words): int(number) for words, _, number in pairs}


def served(machine: Machine) -> str:
    """What node_exporter serves."""
    code = "import urllib.request as u; print(u.urlopen('http://localhost:9100/metrics').read().decode())"
    return machine.text("python3", "-c", code)


def table(columns: dict[str, Told]) -> str:
    names = list(dict.fromkeys(name for told in columns.values() for name in told))
    rows = [["", *columns], *([name, *(str(told.get(name, "")) for told in columns.values())] for name in names)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{row[0]:<{widths[0]}}" + _cells(row[1:], widths[1:]) for row in rows]
    return "\n".join(["", *lines, ""])


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {cell:>{width}}" for cell, width in zip(row, widths, strict=True))


def test_all_that_tells_the_counters_tells_what_was_sent(watched: Machine) -> None:
    drop_in = (_EXAMPLES / "metrics.conf").read_text()
    limited = drop_in.replace("/usr/bin/udsd ", f"/usr/bin/udsd --rate-limit={_LIMIT}/1000 ")
    assert limited != drop_in
    watched.drop_in("metrics", limited)
    send_all(watched)
    watched.wait_for(f"MESSAGE={_LAST.decode()}")

    by_file = file_once(watched, lambda told: told["received"] >= _SENT["received"])
    by_entry = statistics(watched)  # which ends a turn of the loop, and with that the status is sent
    by_status = status(watched)
    by_exporter = metrics(text := served(watched))
    columns = {"sent": _SENT, "STATUS": by_status, "entry": by_entry, "file": by_file, "node_exporter": by_exporter}
    sys.stdout.write(table(columns))

    # May be any number, as long as all tell the same; the last one tells who had ended before it was looked at.
    any_number = {"waits", "wait_usec", "unidentified"}
    assert {name: number for name, number in by_entry.items() if name not in any_number} == _SENT
    assert by_file == by_entry
    assert by_exporter == by_entry
    always = {"received", "stored", "empty"}
    in_words = [*always, *_IN_WORDS.values(), "undelivered"]
    assert by_status == {name: _SENT[name] for name in in_words if _SENT[name] or name in always}

    assert watched.text("stat", "--format=%A %U", os.path.dirname(_FILE), _FILE) == "drwxr-xr-x udsd\n-rw-r--r-- udsd"
    assert re.search(r"^node_textfile_scrape_error 0$", text, re.MULTILINE)
    (pattern,) = re.findall(r'node_textfile_mtime_seconds{file=~"(.*)"}', _RULES.read_text())
    files = re.findall(r'^node_textfile_mtime_seconds{file="(.*)"}', text, re.MULTILINE)
    assert [file for file in files if re.fullmatch(pattern, file)] == [_LINK]


def test_one_of_ten_services_that_floods_is_named_by_status_entry_and_metrics(watched: Machine) -> None:
    drop_in = (_EXAMPLES / "metrics.conf").read_text()
    watched.drop_in("metrics", drop_in.replace("/usr/bin/udsd ", "/usr/bin/udsd --rate-limit=10000/1000 "))
    few, flood = watched.frames([b"few"] * 5, "few"), watched.frames([b"flood"] * 12_000, "flood")
    for number in range(10):
        frames = flood if number == 7 else few
        unit = f"--unit=web{number}"
        words = watched.program("send_frames", "--notify", frames)
        watched.run("systemd-run", "--quiet", "--service-type=notify", unit, *words)
    told = file_once(watched, lambda told: told["received"] >= 12_045)
    assert (told["stored"], told["limited"]) == (10_045, 2_000)

    watched.run("systemctl", "kill", "--signal=SIGUSR1", "udsd.service")
    match = f"MESSAGE_ID={STATISTICS.message_id.decode()}"
    watched.wait_for(match)
    (entry,) = watched.journal(match)
    shown = watched.text("systemctl", "status", "--no-pager", "--lines=0", "udsd.service")
    text = watched.text("cat", _FILE)
    sys.stdout.write(f"{shown}\n{entry['MESSAGE'].decode()}\n{text}\n")
    named = r"; busiest since 20[-\d]{8} [:\d]{8} UTC: web7.service 12000 \(2000 dropped\), web\d.service 5, "
    assert re.search(named, shown)
    assert re.search(named, entry["MESSAGE"].decode())
    fields = watched.text("journalctl", "--output=json", match)
    busiest = json.loads(fields)["UDSD_BUSIEST"]
    assert busiest[0] == "12000 web7.service"
    assert len(busiest) == 3
    samples = [sample for family in _families(text) for sample in family.samples]
    of_accounts = {(s.name, s.labels["account"]): s.value for s in samples if "account" in s.labels}
    assert of_accounts["udsd_account_datagrams_total", "web7.service"] == 12_000
    assert of_accounts["udsd_account_limited_total", "web7.service"] == 2_000
    assert sum(value for (name, _), value in of_accounts.items() if "datagrams" in name) == 12_045
    assert [s.labels for s in samples if s.name == "udsd_build_info"] == [{"version": __version__}]


def test_the_counters_of_the_last_run_are_told_while_the_service_is_stopped(watched: Machine) -> None:
    watched.drop_in("metrics", (_EXAMPLES / "metrics.conf").read_text())
    for stops in (1, 2):  # the second run finds the folder
        watched.run("udsd-send", f"run {stops}")
        watched.wait_for(f"MESSAGE=run {stops}")
        watched.run("systemctl", "stop", "udsd.service")
        assert metrics(served(watched))["stored"] == 1


def _names(expressions: str) -> set[str]:
    return set(re.findall(r"\budsd_\w+", expressions))


def _written() -> dict[str, set[str]]:
    """Every metric that udsd writes, with its labels."""
    counters = Counters()
    counters.limited_by["user"] = counters.malformed_by["not JSON"] = 1
    families = _families(prometheus.render()({"/s": counters}, {"a.service": Sent(1, 1)}, 1, 1.0).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((_EXAMPLES / "grafana-dashboard.json").read_text())["panels"]
    return panels


def _expressions() -> list[str]:
    return [target["expr"] for panel in _panels() for target in panel["targets"]]


def test_the_alerts_and_the_dashboard_name_metrics_that_there_are() -> None:
    alerts = re.sub(r"^ *#.*$", "", _RULES.read_text(), flags=re.MULTILINE)
    assert _names(alerts) <= set(_written())
    assert _names("\n".join(_expressions())) == set(_written())  # and it shows all there are


def test_the_dashboard_groups_by_labels_that_there_are_and_shows_them() -> None:
    written = _written()
    target_labels = {"instance", "job"}  # Prometheus' own
    for panel in _panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for name in _names(expression):
                used = set(re.findall(r"(\w+)=~?\"", expression))
                used |= {label for group in re.findall(r"by \((.*?)\)", expression) for label in group.split(", ")}
                assert used <= written[name] | target_labels, (panel["title"], expression)
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= used, panel["title"]


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = json.loads((_EXAMPLES / "grafana-dashboard.json").read_text())
    assert (dashboard["title"], dashboard["schemaVersion"]) == ("udsd", 39)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(dashboard))) - {"__rate_interval"}
    assert used == variables
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


def test_promtool_finds_the_alerts_right_and_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    make_image(_SUITE, _PROMETHEUS)
    tested = set(re.findall(r"alertname: (\w+)", (PROGRAMS / "prometheus_rules_test.yml").read_text()))
    assert tested == set(re.findall(r"alert: (\w+)", _RULES.read_text()))
    records = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(_expressions())
    ]
    dashboard = {"groups": [{"name": "dashboard", "rules": records}]}
    (tmp_path / "dashboard.yml").write_text(json.dumps(dashboard))  # YAML, too
    said = run_in_root(
        image(_SUITE, _PROMETHEUS),
        "promtool check rules --lint=all --lint-fatal /examples/prometheus-rules.yml /written/dashboard.yml"
        " && promtool test rules /programs/prometheus_rules_test.yml",
        binds=[f"--bind-ro={_EXAMPLES}:/examples", f"--bind-ro={PROGRAMS}:/programs", f"--bind-ro={tmp_path}:/written"],
    )
    assert f"SUCCESS: {len(tested)} rules found" in said
    assert f"SUCCESS: {len(records)} rules found" in said
