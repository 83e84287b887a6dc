"""What becomes of a datagram, by its payload and by whether it carries descriptors."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.sinks import Drawer
from udsd import formats
from udsd.daemon.drop_ledger import DropLedger
from udsd.daemon.drops import Drops
from udsd.daemon.name_budget import NameBudget
from udsd.daemon.rate_limit import Limit
from udsd.daemon.relay import EMPTY, ENTRY, OVER, STOP, Relay, Source
from udsd.daemon.stop import StopPolicy
from udsd.journal.delivery import Delivery
from udsd.journal.entry import decode_entry
from udsd.journal.log import Log
from udsd.receive.receiver import Receiver, unbound
from udsd.senders.cgroup import CgroupPaths
from udsd.senders.credentials import Credentials
from udsd.senders.evidence import Evidence
from udsd.senders.identity import identity_of
from udsd.senders.registry import Registry

_SENDER = identity_of(Credentials(1234, 1000, 100), (("OBJECT_PID", b"1234"),), ("UDSD_SOCKET", b"@x"))


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(unbound()) as made:
        made.bind(str(tmp_path / "socket"))
        yield made


def relay(limit: Limit) -> Relay:
    log = Log(keep=False, stderr=False)
    ledger = os.memfd_create("ledger")
    drops = Drops(limit, DropLedger(ledger), log)
    os.close(ledger)
    return Relay(Delivery(Drawer(), log), StopPolicy(frozenset([1000])), drops, NameBudget())


def source(bound: socket.socket, form: str) -> Source:
    registry = Registry(Evidence(None), ("UDSD_SOCKET", b"@x"), CgroupPaths())
    return Source(Receiver(bound), formats.parser(form), registry)


@pytest.mark.parametrize(
    ("form", "payload", "attached", "problem"),
    [
        ("auto", b"text", 0, None),
        ("auto", b"text", 1, "descriptor refused"),
        ("auto", b"", 1, "descriptor refused"),
        ("json", b"x", 1, "not JSON"),
        ("json", b"", 1, "descriptor refused"),
        ("syslog", b"", 1, "descriptor refused"),
        ("native", b"MESSAGE=x", 1, "ends within a field"),
        ("native", b"", 1, "descriptor refused"),  # as sd_journal_send sends what fits in no datagram
    ],
)
def test_a_datagram_with_descriptors_is_stored_with_what_is_wrong(
    bound: socket.socket, form: str, payload: bytes, attached: int, problem: str | None
) -> None:
    kind, entry, found = relay(Limit(1, 30.0)).decide(source(bound, form), payload, attached, _SENDER, 0.0)
    assert kind is ENTRY
    assert (found and found.kind) == problem
    fields = dict(decode_entry(entry))
    assert fields["MESSAGE"] == payload
    assert fields.get("UDSD_MALFORMED", b"").decode().partition(":")[0] == (problem or "")


def test_what_becomes_no_entry(bound: socket.socket) -> None:
    limited, auto = relay(Limit(1, 30.0)), source(bound, "auto")
    payloads = [b"", b"DONE", b"DONE\n", b"DONE!", b"the next"]
    kinds = [limited.decide(auto, payload, 0, _SENDER, 0.0)[0] for payload in payloads]
    assert kinds == [EMPTY, STOP, STOP, ENTRY, OVER]
