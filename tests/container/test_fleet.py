"""Two nodes and a collector, set up by the commands of fleet.md: no fault in the middle loses or repeats an entry.

On one suite only, trixie, for the time that the gate takes: what is tested is systemd's engines, nginx, and our units
for them, and not udsd's own code.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.fleet import Fleet, Host, commands, received, set_up
from tests.container.load import SOCKET
from tests.container.machines import Entry

pytestmark = pytest.mark.one_machine

_BEFORE, _ALL = 30_000, 50_000  # datagrams of each node: until the collector has restarted, and in all
_CUT_SECONDS = 30
_WAIT_SECONDS = 120  # TCP tries a link that was down for 30 s again after 30 s more, at worst

# What a journal file says about where in it an entry is.
_PLACE = {"__CURSOR", "__SEQNUM", "__SEQNUM_ID"}


@pytest.fixture(scope="module")
def fleet(package: Path) -> Iterator[Fleet]:
    with set_up(package) as made:
        yield made


def wait_for(fleet: Fleet, node: Host, number: int, name: str) -> None:
    """Return when the collector has this datagram of a node."""
    fleet.collector.machine.wait_for(received(node.name), f"MESSAGE={name} {number}", seconds=_WAIT_SECONDS)


def send(node: Host, first: int, end: int, name: str) -> None:
    """Send these numbers on a node, and return when its journal has them."""
    node.machine.run(*node.machine.program("send_numbered", f"--first={first}", f"--count={end - first}", name))
    node.machine.wait_for(f"MESSAGE={name} {end - 1}")


def written(fleet: Fleet, node: Host) -> int:
    """How many entries the collector's files have of a node, any entries, and repeats too."""
    headers = f"for file in /var/log/journal/remote/{node.name}/*; do journalctl --header --file=$file; done"
    said = fleet.collector.machine.text("sh", "-c", headers)
    return sum(map(int, re.findall(r"^Entry objects: (\d+)$", said, re.MULTILINE | re.IGNORECASE)))


def written_at_last(fleet: Fleet) -> list[int]:
    """How many entries of each node the collector has written when it has written all that came before a cut."""
    before: list[int] = []
    while (now := [written(fleet, node) for node in fleet.nodes]) != before:
        before = now
        time.sleep(1)
    return now


def number_of(entry: Entry) -> int:
    return int(entry["MESSAGE"].split()[1])


def numbers(entries: list[Entry]) -> Counter[int]:
    return Counter(map(number_of, entries))


def once(entries: list[Entry]) -> list[Entry]:
    """The entries without those that arrived twice, by what the page says of their cursors."""
    return list({entry["__CURSOR"].partition(b";b=")[2]: entry for entry in entries}.values())


def as_it_was(entry: Entry) -> Entry:
    """All fields, but not where in a file the entry is."""
    return {name: value for name, value in entry.items() if name not in _PLACE}


def test_each_number_is_there_once_per_node_after_a_cut_and_restarts(fleet: Fleet) -> None:
    senders = [
        node.machine.start(*node.machine.program("send_numbered", f"--count={_BEFORE}", node.name))
        for node in fleet.nodes
    ]
    for node in fleet.nodes:
        wait_for(fleet, node, 1000, node.name)
        fleet.network.cut(node.name)
    for node, sender in zip(fleet.nodes, senders, strict=True):
        node.machine.finish(sender)
    at_first = written_at_last(fleet)
    time.sleep(_CUT_SECONDS)
    assert [written(fleet, node) for node in fleet.nodes] == at_first
    for node in fleet.nodes:
        fleet.network.mend(node.name)

    for node in fleet.nodes:
        wait_for(fleet, node, 5_000, node.name)  # early, so that the restart is not too late for the rest
    fleet.collector.reboot()
    for node in fleet.nodes:
        wait_for(fleet, node, _BEFORE - 1, node.name)
    sent_again = sum(written(fleet, node) for node in fleet.nodes) - len(fleet.nodes) * _BEFORE
    assert sent_again > 1000, "the collector's restart was not in the middle of an upload: this tests nothing"

    for node in fleet.nodes:
        send(node, _BEFORE, _ALL, node.name)
    rebooted = fleet.nodes[0]
    rebooted.reboot()
    for node in fleet.nodes:
        wait_for(fleet, node, _ALL - 1, node.name)

    for node in fleet.nodes:
        kept = node.machine.journal(SOCKET)
        assert numbers(kept) == Counter(range(_ALL)), f"{node.name} itself"
        stored = fleet.collector.machine.journal(received(node.name), SOCKET)
        found = numbers(stored)
        account = {
            "sent": _ALL,
            "stored": found.total(),
            "lost": len(set(range(_ALL)) - found.keys()),
            "repeated": found.total() - len(found),
            "entries in its files": written(fleet, node),
        }
        sys.stdout.write(f"{node.name}: {account}\n")
        assert found.keys() == set(range(_ALL)), account
        # systemd-journal-upload sometimes sends the entry after which it was stopped again.
        assert found.total() - len(found) <= (node is rebooted), account
        there = sorted(map(as_it_was, once(stored)), key=number_of)
        here = sorted(map(as_it_was, kept), key=number_of)
        assert len(there) == len(here)
        assert [pair for pair in zip(there, here, strict=True) if pair[0] != pair[1]][:1] == []
        assert there[0].keys() >= {"MESSAGE", "PRIORITY", "OBJECT_PID", "OBJECT_UID", "OBJECT_GID", "UDSD_SOCKET"}
        assert {entry["_HOSTNAME"] for entry in there} == {node.name.encode()}
        assert {entry["_MACHINE_ID"] for entry in there} == {node.machine.text("cat", "/etc/machine-id").encode()}
    assert len({node.machine.text("cat", "/etc/machine-id") for node in fleet.nodes}) == len(fleet.nodes)


def test_what_a_killed_uploader_sends_again_is_told_by_its_cursor(fleet: Fleet) -> None:
    node, count, name = fleet.nodes[1], 20_000, "killed"
    node.machine.run("systemctl", "stop", "systemd-journal-upload.service")
    send(node, 0, count, name)
    node.machine.run("systemctl", "start", "systemd-journal-upload.service")
    wait_for(fleet, node, 2000, name)
    node.machine.run("systemctl", "kill", "--signal=KILL", "systemd-journal-upload.service")
    wait_for(fleet, node, count - 1, name)
    stored = fleet.collector.machine.journal(received(node.name), SOCKET)
    found = numbers([entry for entry in stored if entry["MESSAGE"].startswith(name.encode())])
    assert found.keys() == set(range(count))
    assert found.total() > count, "the uploader was not killed in the middle of an upload: this tests nothing"
    (without_repeats,) = commands("What arrives twice")
    shown = map(json.loads, fleet.collector.machine.run("sh", "-euc", without_repeats).stdout.splitlines())
    messages = Counter(entry["MESSAGE"] for entry in shown if str(entry.get("MESSAGE")).startswith(name))
    assert messages == Counter(f"{name} {number}" for number in range(count))


def test_a_reader_of_a_node_sees_what_comes_late_and_after_a_restart(fleet: Fleet) -> None:
    collector = fleet.collector.machine
    reads = ("timeout", str(_WAIT_SECONDS), "journalctl", "--follow", "--output=cat")
    readers = [collector.start(*reads, received(node.name)) for node in fleet.nodes]
    fleet.network.cut(fleet.nodes[0].name)
    for node in fleet.nodes:
        node.machine.run("udsd-send", "during the cut")
    collector.wait_for(received(fleet.nodes[1].name), "MESSAGE=during the cut")
    fleet.network.mend(fleet.nodes[0].name)
    collector.wait_for(received(fleet.nodes[0].name), "MESSAGE=during the cut")
    collector.run("systemctl", "restart", "fleet@*.service")
    for node in fleet.nodes:
        node.machine.run("udsd-send", "after the restart")
        collector.wait_for(received(node.name), "MESSAGE=after the restart")
    (read_it,) = commands("Read it")
    assert "node-2" in collector.text("sh", "-euc", read_it)
    for reader in readers:
        assert reader.stdout is not None
        lines = [b""]
        while not lines[-1].startswith(b"after the restart") and (line := reader.stdout.readline()):
            lines.append(line)
        collector.stop(reader)
        assert {b"during the cut\n", b"after the restart\n"} <= set(lines)


def test_fields_appear_downstream_as_the_page_says(fleet: Fleet) -> None:
    node = fleet.nodes[1]
    node.machine.run("systemctl", "start", "udsd-format@native.socket")
    node.machine.run(*node.machine.program("send_odd_fields", "/run/udsd/native.sock"))
    collector, match = fleet.collector.machine, "MESSAGE=odd fields"
    collector.wait_for(received(node.name), match)

    cut = json.loads(collector.text("journalctl", received(node.name), match, "--output=json"))
    whole = json.loads(collector.text("journalctl", received(node.name), match, "--output=json", "--all"))
    assert cut["TAG"] == whole["TAG"] == ["one", "two"]
    assert cut["BYTES"] == whole["BYTES"] == [255, 254, 0, 120]
    assert cut["LINES"] == whole["LINES"] == "two\nlines"
    assert cut["LARGE"] is None
    assert whole["LARGE"] == "x" * 5000
    assert cut["PRIORITY"] == "3"
    assert cut["OBJECT_UID"] == "0"
    assert cut["__REALTIME_TIMESTAMP"].isdecimal()

    export = collector.run("journalctl", received(node.name), match, "--output=export").stdout
    assert b"\nTAG=one\n" in export
    assert b"\nTAG=two\n" in export
    assert b"\nBYTES\n\x04\0\0\0\0\0\0\0\xff\xfe\0x\n" in export
    assert b"\nLINES\n\x09\0\0\0\0\0\0\0two\nlines\n" in export
    assert b"\nLARGE=" + b"x" * 5000 + b"\n" in export
    assert b"\nPRIORITY=3\n" in export


def test_the_certificate_decides_who_gets_in_and_as_whom(fleet: Fleet) -> None:
    collector, node = fleet.collector.machine, fleet.nodes[1].machine
    strange = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=node-2 2>/dev/null"
    collector.run("sh", "-euc", f"mkdir /tmp/strange; cd /tmp/strange; {strange} -keyout key.pem -out cert.pem")
    copy = collector.run("tar", "--create", "--directory=/tmp/strange", ".").stdout
    node.run("mkdir", "/tmp/strange")
    node.run("tar", "--extract", "--directory=/tmp/strange", stdin=copy)
    assert node.text(*node.program("post_entry")) == "400"
    assert node.text(*node.program("post_entry", "/tmp/strange/cert.pem", "/tmp/strange/key.pem")) == "400"
    everywhere = "--file=/var/log/journal/remote/*/*.journal"
    assert collector.journal(everywhere, "MESSAGE=by hand") == []
    assert node.text(*node.program("post_entry", "/etc/fleet/cert.pem", "/etc/fleet/key.pem")) == "202"
    (entry,) = collector.journal(received("node-2"), "MESSAGE=by hand")
    assert entry["_HOSTNAME"] == b"node-1"
    assert collector.journal(received("node-1"), "MESSAGE=by hand") == []
