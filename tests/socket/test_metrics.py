"""The counters, wherever they are told, against what was really sent."""

import math
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.patience import SECONDS
from tests.sinks import Drawer
from tests.socket.daemons import UDSD, Journald, Start, sender
from tests.source import TOP
from udsd.journal.delivery import Delivery
from udsd.journal.log import Log
from udsd.metrics.accounts import Accounts
from udsd.metrics.reports import Metrics, Reports

_NOBODY = 65534
_LIMIT = 12  # enough for what root sends here, but not for nobody's

_TO_AUTO = [b"hello", b"", b"<3>syslog", b"<13>1 2026-11-25T00:00:00Z broken", b"x" * 1000, b""]
_TO_JSON = [b'{"msg": "hello"}', b"{}", b"[]", b"not json", b"\xff", b""]
_TO_NATIVE = [b"MESSAGE=hello\nUNIT=a.service\n_UID=0\nlower=case\n", b"MESSAGE=cut"]
_CLAIMED = b"from a user who has no such process"
_FROM_NOBODY = [b"DONE", *[b"again"] * 16]

Told = dict[str, int]

_families: Callable[[str], Iterable[Metric]] = text_string_to_metric_families  # which is untyped

_EXPECTED: dict[str, Told] = {
    "auto": {
        "received": 24, "stored": 17, "empty": 2, "limited": 5, "stops_refused": 1, "stops_obeyed": 0, "undelivered": 0,
        "malformed_datagrams": 1, "dropped_fields": 0, "invalid_names": 0, "unidentified": 1,
        "bytes": sum(map(len, [*_TO_AUTO, *_FROM_NOBODY, _CLAIMED])), "largest": 1000,
        "limited_user": 5, "malformed_header_of_RFC_5424": 1,
    },
    "json": {
        "received": 6, "stored": 5, "empty": 1, "limited": 0, "stops_refused": 0, "stops_obeyed": 0, "undelivered": 0,
        "malformed_datagrams": 3, "dropped_fields": 0, "invalid_names": 0, "unidentified": 0,
        "bytes": sum(map(len, _TO_JSON)),
        "largest": 16, "malformed_not_JSON": 1, "malformed_not_UTF_8": 1, "malformed_not_a_JSON_object": 1,
    },
    "native": {
        "received": 2, "stored": 2, "empty": 0, "limited": 0, "stops_refused": 0, "stops_obeyed": 0, "undelivered": 0,
        "malformed_datagrams": 1, "dropped_fields": 2, "invalid_names": 1, "unidentified": 0,
        "bytes": sum(map(len, _TO_NATIVE)),
        "largest": max(map(len, _TO_NATIVE)), "malformed_ends_within_a_field": 1,
    },
}  # fmt: skip


@contextmanager
def all_sent(paths: dict[str, Path]) -> Iterator[None]:
    """While this is entered, the senders live, so that udsd can identify them."""
    for name, payloads in (("auto", _TO_AUTO), ("json", _TO_JSON), ("native", _TO_NATIVE)):
        with sender(paths[name]) as client:
            for payload in payloads:
                client.send(payload)
    code = "import os, socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(sys.argv[1]);"
    code += f"os.setresuid(*[{_NOBODY}] * 3); [s.send(p.encode()) for p in sys.argv[2:]]; sys.stdin.read()"
    words = [payload.decode() for payload in _FROM_NOBODY]
    with sender(paths["auto"]) as client:
        claimed = struct.pack("=iII", os.getpid(), _NOBODY - 1, _NOBODY - 1)
        client.sendmsg([_CLAIMED], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, claimed)])
    command = [sys.executable, "-c", code, str(paths["auto"]), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as nobody:
        yield
        nobody.communicate()
        assert nobody.returncode == 0


def counters(entry: dict[str, bytes]) -> Told:
    """The fields of a statistics entry that are not 0 or always there, by the names that counters have."""
    plain = {name.removeprefix("UDSD_"): value for name, value in entry.items() if name.startswith("UDSD_")}
    plain.pop("STATISTICS_OF", None)
    plain.pop("BUSIEST", None)
    return {name: int(value) for name, value in plain.items()}


def as_fields(expected: Told) -> Told:
    return {name.upper(): number for name, number in expected.items()}


def statistics(journald: Journald) -> Iterator[tuple[str, Told]]:
    """The entries with counters that come next, one for each socket."""
    for _ in _EXPECTED:
        while "UDSD_STATISTICS_OF" not in (entry := journald.entry()):
            pass
        told = counters(entry)
        assert told.pop("WAITS") == told.pop("WAIT_USEC") == 0
        yield Path(os.fsdecode(entry["UDSD_STATISTICS_OF"])).name, told


def metrics(path: Path) -> dict[str, Told]:
    """The counters in a file of metrics, by socket and by the names that they have elsewhere."""
    found: dict[str, Told] = {}
    for family in _families(path.read_text()):
        for sample in family.samples:
            if "socket" not in sample.labels:
                if "account" in sample.labels:
                    kind = family.name.removeprefix("udsd_account_")
                    accounts = found.setdefault("accounts", {})
                    accounts[kind] = accounts.get(kind, 0) + int(sample.value)
                elif family.name != "udsd_build_info":
                    assert (family.name, sample.value) in (("udsd_sink_waits", 0), ("udsd_sink_wait_seconds", 0))
                continue
            labels = dict(sample.labels)
            told = found.setdefault(Path(labels.pop("socket")).name, {})
            name = {
                "udsd_datagrams": labels.get("result", ""),
                "udsd_limited": f"limited_{labels.get('sender')}",
                "udsd_malformed": f"malformed_{labels.get('kind', '').replace(' ', '_').replace('-', '_')}",
                "udsd_stops_refused": "stops_refused",
                "udsd_dropped_fields": "dropped_fields",
                "udsd_invalid_names": "invalid_names",
                "udsd_unidentified": "unidentified",
                "udsd_payload_bytes": "bytes",
                "udsd_largest_payload_bytes": "largest",
            }[family.name]
            told[name] = int(sample.value)
    return found


@pytest.mark.needs_root
def test_all_that_tells_counters_tells_what_was_sent(start: Start, tmp_path: Path, journald: Journald) -> None:
    tmp_path.chmod(0o755)
    paths = {name: tmp_path / name for name in _EXPECTED}
    file = tmp_path / "udsd.prom"
    listens = [word for name, path in paths.items() for word in ("--listen", f"{name}:{path}")]
    options = ["--sink=journal", f"--metrics={file}", f"--rate-limit={_LIMIT}/1000", "--stop-from=none"]
    daemon = start(*listens, *options, journald=journald.path.parent)
    with all_sent(paths):
        daemon.until(
            "STATUS=received 32, stored 24, empty 3, dropped over the limit 5, DONE refused 1, "
            "malformed 5, fields dropped 2"
        )
    daemon.process.send_signal(signal.SIGUSR1)
    assert dict(statistics(journald)) == {name: as_fields(told) for name, told in _EXPECTED.items()}
    daemon.process.send_signal(signal.SIGTERM)
    assert dict(statistics(journald)) == {name: as_fields(told) for name, told in _EXPECTED.items()}
    assert daemon.end()[0] == 0

    last = journald.entry()
    assert last["MESSAGE"].startswith(
        b"stopped by SIGTERM: received 32, stored 24, empty 3, dropped over the limit 5, DONE refused 1, "
    )
    whole = counters(last)
    for name in (
        "received",
        "stored",
        "empty",
        "limited",
        "stops_refused",
        "bytes",
        "dropped_fields",
        "invalid_names",
        "unidentified",
        "malformed_datagrams",
    ):
        assert whole[name.upper()] == sum(told[name] for told in _EXPECTED.values()), name

    derived = {"received", "limited_total", "malformed_datagrams"}  # Prometheus sums up by itself
    kinds = {f"limited_{kind}": 0 for kind in ("unit", "user", "unknown")}
    expected = {name: kinds | {k: v for k, v in told.items() if k not in derived} for name, told in _EXPECTED.items()}
    expected["accounts"] = {"datagrams": 32 - 3, "limited": 5}  # all but the empty ones
    assert metrics(file) == expected
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == ["udsd.prom"]


@pytest.mark.needs_root
def test_counters_are_told_at_each_interval_also_when_nothing_happens(
    start: Start, path: Path, journald: Journald
) -> None:
    start("--listen", str(path), "--sink=journal", "--stats-interval=1", journald=journald.path.parent)
    for _ in range(2):
        while "UDSD_STATISTICS_OF" not in (entry := journald.entry()):
            pass
        assert entry["UDSD_RECEIVED"] == b"0"


@pytest.mark.needs_root
def test_the_waits_for_journald_are_counted(start: Start, path: Path, journald: Journald) -> None:
    daemon = start("--listen", str(path), "--sink=journal", journald=journald.path.parent)
    journald.close()
    with sender(path) as client:
        client.send(b"hello")
        daemon.until("STATUS=waiting for journald")
    again = Journald(journald.path.parent)
    assert again.messages(1) == [b"hello"]
    daemon.process.send_signal(signal.SIGUSR1)
    while "UDSD_WAITS" not in (entry := again.entry()):
        pass
    again.close()
    assert entry["UDSD_WAITS"] == b"1"
    assert 1e6 <= int(entry["UDSD_WAIT_USEC"]) <= SECONDS * 1e6


def test_the_file_of_metrics_is_replaced_while_journald_is_away_since_the_wait_grows(tmp_path: Path) -> None:
    file, drawer = tmp_path / "udsd.prom", Drawer()
    outlet = Delivery(drawer, Log(keep=True, stderr=False))
    metrics = Metrics(str(file), lambda _counters, _accounts, waits, waited: b"%d %d" % (waits, waited))
    statistics = Reports({}, Accounts, outlet, math.inf, metrics)
    told = []
    for now, room in ((0, 9), (100, 0), (110, 0), (3700, 0), (3710, 9), (3720, 9)):
        drawer.room = room
        if outlet.ready(now):
            outlet.deliver(b"", now)
        due = statistics.due()
        statistics.report(now)
        told.append((due <= now, file.read_bytes()))
    assert told == [
        (True, b"0 0"), (True, b"1 0"), (True, b"1 10"), (True, b"1 3600"), (True, b"1 3610"), (False, b"1 3610")
    ]  # fmt: skip


@pytest.mark.needs_root
def test_a_file_of_metrics_that_cannot_be_written_is_said_once_and_stops_nothing(
    start: Start, tmp_path: Path, path: Path, journald: Journald
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    options = ["--listen", str(path), "--sink=journal", f"--metrics={folder}/udsd.prom"]
    daemon = start(*options, journald=journald.path.parent)
    daemon.until("STATUS=received 0")
    (folder / "udsd.prom").unlink()
    folder.rmdir()
    with sender(path) as client:
        client.send(b"DONE")
    assert daemon.end()[0] == 0
    said = [journald.entry()["MESSAGE"].decode() for _ in range(3)]
    assert said[1] == f"metrics: {folder}/udsd.prom: No such file or directory"
    assert said[2].startswith("stopped by DONE")


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--metrics=/nowhere/udsd.prom"], os.EX_CANTCREAT, "there is no directory /nowhere"),
        (["--stats-interval=0"], os.EX_USAGE, "number of seconds, at least 1"),
        (["--stats-interval=x"], os.EX_USAGE, "number of seconds, at least 1"),
    ],
)
def test_what_cannot_be_told_is_an_error_at_once(options: list[str], status: int, said: str) -> None:
    done = subprocess.run([*UDSD, *options], cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_without_its_library_metrics_are_an_error_that_names_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['prometheus_client'] = None; from udsd.daemon.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, f"--metrics={tmp_path}/udsd.prom"]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == os.EX_UNAVAILABLE
    assert "install python3-prometheus-client" in done.stderr
