"""What an honest sender notices of a flood on the same socket, by the length of the socket's queue."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.figures import percentile
from tests.bench.lab import PROGRAMS, Lab

SENDERS = 64
RATE = 100  # datagrams a second of the honest sender
LENGTHS = (512, 4_096, 65_536)  # of systemd, of udsd's package until 0.3.0, and since
_SECONDS = 5.0
_FLOOD = "bench-flood"
_SOCKET = "/run/udsd/udsd.sock"


@dataclass(frozen=True)
class Beside:
    """The honest sender's times from sending to journald, in ms, in one case."""

    length: int
    entries: int
    p50: float
    p99: float


def beside(lab: Lab, rounds: int, scale: float) -> Iterator[Beside]:
    """All lengths of the queue, so often; `scale` is how much shorter than usual."""
    usual = lab.queue_length()
    entries = max(10, int(RATE * _SECONDS * scale))
    for turn in range(rounds):
        for length in LENGTHS:
            lab.set_queue_length(length)
            lab.fresh_journal()
            words = ("@fld", str(10**9), "256", str(SENDERS), "none", _SOCKET)
            started = [f"--unit={_FLOOD}", f"{PROGRAMS}/load-datagram", *words]
            lab.machine.run("systemd-run", "--quiet", "--collect", *started)
            tag = f"@h{turn % 100:02}"
            lab.log("pace-datagram", tag, str(entries), "256", str(RATE), _SOCKET)
            lab.machine.run("systemctl", "stop", _FLOOD)
            lab.machine.run(f"{PROGRAMS}/first", _SOCKET)
            lab.machine.run("journalctl", "--sync")
            took = json.loads(lab.machine.text(f"{PROGRAMS}/delays", tag))
            yield Beside(length, len(took), *(percentile(took, percent) / 1e6 for percent in (50, 99)))
    lab.set_queue_length(usual)
