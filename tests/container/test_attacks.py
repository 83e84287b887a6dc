"""Attacks by a local user: each is one that harmed an earlier version. Nobody else notices, and nothing is forged."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.attacks import JSON, SOCKET, attack, booted_victim, claim_a_pid, reports, taken, unharmed
from tests.container.load import times
from tests.container.machines import Entry, Machine

pytestmark = pytest.mark.one_machine

_COSTLY = 10.0  # seconds of CPU, on this machine, for 300 datagrams, which take one


@pytest.fixture(scope="module")
def victim(suite: str, package: Path, own_kernel: bool) -> Iterator[Machine]:
    with booted_victim(suite, package, own_kernel=own_kernel) as machine:
        yield machine


def answers(machine: Machine, started: "subprocess.Popen[bytes]", attempt: str) -> None:
    """Another sender sends and has its entry in time, again and again while the attack lasts."""
    number = 0
    while started.poll() is None or not number:
        machine.run("udsd-send", f"{attempt} {number}", user="daemon")
        machine.wait_for(f"MESSAGE={attempt} {number}")
        number += 1


def cpu_seconds(machine: Machine, unit: str) -> float:
    """What the process of a unit has taken of the CPU, however busy that is."""
    stat = machine.text("cat", f"/proc/{machine.show(unit, 'MainPID')}/stat").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def of_nobody(machine: Machine) -> str:
    """Matches all that nobody's processes sent, of those too that had ended before udsd looked."""
    return f"OBJECT_UID={machine.text('id', '-u', 'nobody')}"


def without_repeats(told: list[Entry]) -> list[Entry]:
    """The reports without those sent again. Killed before it had sent the first, udsd sends only the marked one."""
    last: dict[bytes, bytes] = {}
    counted = []
    for entry in told:
        account, dropped = entry["UDSD_ACCOUNT"], entry["UDSD_DROPPED"]
        if "UDSD_REDELIVERED" not in entry or last.get(account) != dropped:
            counted.append(entry)
        last[account] = dropped
    return counted


@pytest.mark.parametrize(("kind", "number"), [("linger", 10), ("fuse", 20)])
def test_a_descriptor_that_bites_holds_up_nobody(victim: Machine, kind: str, number: int) -> None:
    victim.mark()
    pid = victim.service_pid()
    started = attack(victim, kind, number)
    # One that lingers would take 600 s, which is more than anybody waits for an entry; one of FUSE has no end.
    answers(victim, started, kind)
    assert taken(started) == number
    victim.run("udsd-send", f"behind {kind}")
    victim.wait_for(f"MESSAGE=behind {kind}")
    entries = victim.datagrams("UDSD_MALFORMED=descriptor refused")
    assert [entry["UDSD_MALFORMED"] for entry in entries] == [b"descriptor refused"] * number
    # A sender that ended before it was looked at has no unit. None has a wrong one.
    assert {entry.get("OBJECT_SYSTEMD_UNIT") for entry in entries} <= {f"attack-{kind}.service".encode(), None}
    unharmed(victim, pid)


@pytest.mark.parametrize(
    ("kind", "socket", "unit"), [("json", JSON, "udsd-format@json.service"), ("params", SOCKET, "udsd.service")]
)
def test_a_costly_datagram_holds_up_nobody(victim: Machine, kind: str, socket: str, unit: str) -> None:
    victim.mark()
    pid = victim.service_pid()
    victim.run("systemctl", "start", unit)
    before = cpu_seconds(victim, unit)
    started = attack(victim, kind, 300, socket)
    answers(victim, started, kind)
    assert taken(started) == 300
    victim.run("udsd-send", "-u", socket, "behind it")
    victim.wait_for("MESSAGE=behind it")
    spent = cpu_seconds(victim, unit) - before
    sys.stdout.write(f"{victim.suite}: {kind}: {spent:.2f} s\n")
    assert spent < _COSTLY * victim.slower
    unharmed(victim, pid)


def test_inventing_names_does_not_have_journals_deleted(victim: Machine) -> None:
    victim.run("udsd-send", "the oldest")
    victim.wait_for("MESSAGE=the oldest")
    files = int(victim.text("sh", "-c", "ls /run/log/journal/* | wc -l"))
    victim.mark()
    number = 1000
    assert taken(attack(victim, "names", number)) == number
    victim.run("udsd-send", "behind it")
    victim.wait_for("MESSAGE=behind it")
    entries = victim.datagrams(of_nobody(victim), fields=["MESSAGE", "UDSD_MALFORMED"])
    as_text = [entry for entry in entries if entry.get("UDSD_MALFORMED") == b"too many new field names"]
    assert len(entries) == number
    assert len(as_text) >= number - 2
    assert all(b"wiper" in entry["MESSAGE"] for entry in entries)  # nothing of it is lost
    assert int(victim.text("sh", "-c", "ls /run/log/journal/* | wc -l")) <= files + 2
    victim.since = "--since=@0"
    assert victim.journal("MESSAGE=the oldest")


def test_bytes_are_limited_and_counts_are_exact(victim: Machine) -> None:
    victim.options("--rate-limit=10000/1000")  # one interval, however slow the machine is
    victim.run("systemctl", "restart", "udsd.service")
    victim.mark()
    number = 400  # of 200,000 bytes: 80 MB
    assert taken(attack(victim, "large", number)) == number
    victim.run("udsd-send", "behind it")
    victim.wait_for("MESSAGE=behind it")
    victim.run("systemctl", "stop", "udsd.service")  # tells what it has dropped, as the end of the interval does
    stored = victim.datagrams("OBJECT_SYSTEMD_UNIT=attack-large.service", fields=["PRIORITY"])
    (report,) = [entry for entry in reports(victim) if entry["UDSD_ACCOUNT"] == b"attack-large.service"]
    assert len(stored) + int(report["UDSD_DROPPED"]) == number
    assert len(stored) * 200_000 <= (32 << 20) + 200_000
    shown = victim.journal(report["UDSD_ACCOUNT_MATCH"].decode(), fields=["PRIORITY"])
    assert len(shown) == len(stored)


def test_the_pid_of_another_process_is_not_believed(victim: Machine) -> None:
    claim_a_pid(victim)


def test_what_is_dropped_is_counted_exactly_across_kills(victim: Machine) -> None:
    kills = times(victim, 50)
    victim.options("--rate-limit=200/5")
    victim.run("systemctl", "restart", "udsd.service")
    victim.mark()
    unit = ["systemd-run", "--quiet", "--pipe", "--wait", "--unit=greedy", "--property=User=nobody"]
    sender = victim.start(*unit, *victim.program("send_numbered", "greedy"))
    victim.wait_for("MESSAGE=greedy 0")
    victim.run(*victim.program("kill_often", str(kills)))
    victim.run("systemctl", "kill", "--signal=TERM", "greedy.service")
    number = taken(sender)
    victim.run("udsd-send", "that is all")
    victim.wait_for("MESSAGE=that is all")
    victim.run("systemctl", "stop", "udsd.service")
    uid = victim.text("id", "-u", "nobody")
    # Before Linux 6.15, what it sent last may be charged to its user: it had ended before udsd looked.
    stored = [e["MESSAGE"] for e in victim.datagrams(of_nobody(victim))]
    counted = without_repeats(reports(victim))
    assert {entry["UDSD_ACCOUNT"] for entry in counted} <= {b"greedy.service", f"uid {uid}".encode()}
    assert len(set(stored)) + sum(int(entry["UDSD_DROPPED"]) for entry in counted) == number
    assert len(stored) - len(set(stored)) <= kills
