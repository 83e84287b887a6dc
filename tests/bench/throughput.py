"""How many entries a second are stored, and what each one costs.

A case begins with an empty journal file. Time runs from the moment the senders start until their last entry is stored
and `journalctl --sync` has returned. Then the entries are read back: each number must be there once and whole.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.bench.contenders import CONTENDERS, Contender
from tests.bench.figures import turned
from tests.bench.lab import JOURNALD, Lab, MeasuringError


class Load(NamedTuple):
    """Messages of `size` bytes, sent by so many processes at once."""

    size: int
    senders: int
    entries: int

    def __str__(self) -> str:
        size = f"{self.size // 1024} KiB" if self.size >= 1024 else f"{self.size} B"
        return f"{size}, {self.senders} sender{'s' if self.senders > 1 else ''}"


USUAL = Load(256, 1, 96_000)
CROWDS = (Load(256, 64, 96_000), Load(256, 256, 96_000), Load(256, 1_000, 96_000))
LOADS = (
    Load(16, 1, 96_000),
    USUAL,
    Load(4096, 1, 32_000),
    Load(65536, 1, 4_000),
    Load(256, 8, 96_000),
    *CROWDS,
)


@dataclass(frozen=True)
class Case:
    """One contender under one load, once. Times are in seconds, CPU times in us an entry."""

    contender: str
    size: int
    senders: int
    sent: int
    stored: int
    different: int
    damaged: int
    seconds: float
    sender_cpu: float
    relay_cpu: float
    journald_cpu: float

    @property
    def rate(self) -> float:
        """Entries stored in a second."""
        return self.stored / self.seconds

    @property
    def cpu(self) -> float:
        """CPU time of an entry, of all processes together, in us."""
        return self.sender_cpu + self.relay_cpu + self.journald_cpu

    @property
    def lost(self) -> int:
        """Entries that are not in the journal."""
        return self.sent - self.different

    @property
    def exact(self) -> bool:
        """Whether each entry is there, once and whole."""
        return self.sent == self.stored == self.different and not self.damaged


def measure(lab: Lab, rounds: int, loads: Sequence[Load] = LOADS) -> Iterator[Case]:
    """All contenders under all loads, so often; they take turns."""
    number = 0
    for turn in range(rounds):
        for load in loads:
            for contender in turned(CONTENDERS, turn):
                number += 1
                yield case(lab, contender, load, f"@{number % 1000:03}")


def case(lab: Lab, contender: Contender, load: Load, tag: str) -> Case:
    """One case. Raises MeasuringError where not every entry is there that has to be."""
    lab.fresh_journal()
    relay, journald = _cpu(lab, contender.relay), lab.cpu(JOURNALD)
    words = (tag, str(load.entries), str(load.size), str(load.senders), "journal", *contender.arguments)
    said = json.loads(lab.log(f"load-{contender.sender}", *words))
    relay, journald = _cpu(lab, contender.relay) - relay, lab.cpu(JOURNALD) - journald
    found = lab.ask("stored", tag, str(load.entries), str(load.size))
    measured = Case(
        contender=contender.name,
        size=load.size,
        senders=load.senders,
        sent=load.entries,
        stored=found["stored"],
        different=found["different"],
        damaged=found["damaged"],
        seconds=(said["end"] - said["start"]) / 1e9,
        sender_cpu=said["cpu"] / load.entries,
        relay_cpu=relay / load.entries,
        journald_cpu=journald / load.entries,
    )
    if contender.exact and not measured.exact:
        raise MeasuringError(f"{contender.name}, {load}: not stored as it was sent: {measured}")
    return measured


def _cpu(lab: Lab, unit: str | None) -> int:
    return lab.cpu(unit) if unit else 0
