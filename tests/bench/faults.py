"""What two relays lose when they, or journald, are killed, restarted and stopped under load.

Four senders send numbered datagrams as fast as they can; afterwards the numbers in the journal are compared with what
the kernel took from each. journald itself loses the entry that it has in hand when it is killed, whoever sent it.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.contenders import RSYSLOG, UDSD, Contender
from tests.bench.lab import JOURNALD, Lab

RELAYS = (UDSD, RSYSLOG)

_TIMES = 20
_TIMES_OF_JOURNALD = 5  # which takes seconds to stop while a relay has more for it
_AWAY = 5.0  # seconds without journald
_SENDERS = 4
_ENTRY = re.compile(rb"^ ?(n\d) (\d+) ?$", re.MULTILINE)  # omjournal leaves a space in front


@dataclass(frozen=True)
class Fault:
    """A fault for one relay: how many datagrams the kernel took for it, and what became of them."""

    fault: str
    relay: str
    taken: int
    lost: int
    repeated: int
    errors: int  # that senders saw


def faults(lab: Lab) -> Iterator[Fault]:
    """Each fault for each relay."""
    lab.machine.drop_in("starts", "[Unit]\nStartLimitIntervalSec=0\n", unit=JOURNALD)
    for name, fault in _FAULTS.items():
        for relay in RELAYS:
            yield _measure(lab, name, fault, relay)


def _measure(lab: Lab, name: str, fault: Callable[[Lab, str], None], relay: Contender) -> Fault:
    lab.fresh_journal()
    path, *prefix = relay.arguments
    words = [path, *(prefix or [""])]
    senders = {f"n{n}": lab.machine.start("python3", "/bench/numbered.py", f"n{n}", *words) for n in range(_SENDERS)}
    assert relay.relay
    for sender in senders:  # in mid-stream; omjournal may have stripped what stands around
        lab.machine.wait_for(
            *(f"MESSAGE={before}{sender} 1000{behind}" for before in ("", " ") for behind in ("", " "))
        )
    fault(lab, relay.relay)
    said = {sender.encode(): json.loads(lab.machine.stop(started)) for sender, started in senders.items()}
    found = _settled(lab)
    taken = {(sender, n) for sender, told in said.items() for n in range(told["taken"])}
    return Fault(
        fault=name,
        relay=relay.name,
        taken=len(taken),
        lost=len(taken - found.keys()),
        repeated=sum(times - 1 for times in found.values()),
        errors=sum(told["errors"] for told in said.values()),
    )


def _stored(lab: Lab) -> Counter[tuple[bytes, int]]:
    lab.machine.run("journalctl", "--sync")
    shown = lab.machine.run("journalctl", "--output=cat").stdout
    return Counter((sender, int(number)) for sender, number in _ENTRY.findall(shown))


def _settled(lab: Lab) -> Counter[tuple[bytes, int]]:
    """What is stored once nothing more comes: a relay may hold datagrams in its memory."""
    before = _stored(lab)
    while True:
        time.sleep(2)
        found = _stored(lab)
        if found == before:
            return found
        before = found


def _sigkill(lab: Lab, unit: str, times: int = _TIMES) -> None:
    for _ in range(times):
        lab.machine.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", unit)
        time.sleep(0.3)  # so that there is load between two kills
        lab.machine.run("systemctl", "start", unit)


def _restart(lab: Lab, unit: str, times: int = _TIMES) -> None:
    for _ in range(times):
        lab.machine.run("systemctl", "restart", unit)


def _away(lab: Lab, _unit: str) -> None:
    with lab.machine.without_journald():
        time.sleep(_AWAY)


_FAULTS: dict[str, Callable[[Lab, str], None]] = {
    f"SIGKILL, {_TIMES} times": _sigkill,
    f"restart, {_TIMES} times": _restart,
    f"journald restarted, {_TIMES_OF_JOURNALD} times": lambda lab, _: _restart(lab, JOURNALD, _TIMES_OF_JOURNALD),
    f"SIGKILL for journald, {_TIMES_OF_JOURNALD} times": lambda lab, _: _sigkill(lab, JOURNALD, _TIMES_OF_JOURNALD),
    f"journald stopped with its sockets for {_AWAY:g} s": _away,
}
