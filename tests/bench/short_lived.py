"""Senders that end at once: what one costs, and what an entry records of a sender that has ended.

`one_shots`: a shell script of a service logs line by line, with one `logger` for each, to udsd and to journald itself.
`scripts`: a program sends some lines as fast as it can and ends; it may have ended before udsd has read the first.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.figures import turned
from tests.bench.lab import JOURNALD, PROGRAMS, Lab, MeasuringError

WAYS = {"logger -u, to udsd": ("-u", "/run/udsd/udsd.sock"), "logger, to /dev/log": ()}
TO_UDSD, TO_JOURNALD = WAYS
LINES = 200  # of a script
_SHOTS = 1_500
_SCRIPTS = 4  # a round
_LOOP = 'number=0; while [ "$number" -lt "$0" ]; do logger "$@" "$number"; number=$((number + 1)); done'
_TAG = "bench-shots"
_UNITS = ("OBJECT_SYSTEMD_UNIT", "_SYSTEMD_UNIT")  # of udsd's entries, and of journald's own


@dataclass(frozen=True)
class OneShots:
    """Entries of one-shot senders in one case: CPU time of relay and journald in us an entry, and with which unit."""

    way: str
    entries: int
    cpu: float
    with_unit: int


@dataclass(frozen=True)
class Scripts:
    """Entries of programs that had ended, and how many of them have the program's name."""

    entries: int
    with_comm: int


def one_shots(lab: Lab, rounds: int, scale: float) -> Iterator[OneShots]:
    """Both ways, so often; `scale` is how much less than usual."""
    entries = max(20, int(_SHOTS * scale))
    for turn in range(rounds):
        for way in turned(list(WAYS), turn):
            lab.fresh_journal()
            unit = f"bench-shots-{turn}"
            used = _cpu(lab)
            words = ("sh", "-c", _LOOP, str(entries), *WAYS[way], "-t", _TAG)
            lab.machine.run("systemd-run", "--quiet", "--collect", "--wait", f"--unit={unit}", *words)
            _settle(lab)
            used = _cpu(lab) - used
            found = _entries(lab, f"SYSLOG_IDENTIFIER={_TAG}", *_UNITS)
            if len(found) != entries:
                raise MeasuringError(f"{way}: {len(found)} entries of {entries}")
            named = sum(f"{unit}.service" in [entry.get(field) for field in _UNITS] for entry in found)
            yield OneShots(way, entries, used / entries, named)


def scripts(lab: Lab, rounds: int) -> Iterator[Scripts]:
    """Some programs, one after the other, so often."""
    for turn in range(rounds):
        lab.fresh_journal()
        for number in range(_SCRIPTS):
            tag = f"@s{turn % 10}{number}"
            lab.log("load-datagram", tag, str(LINES), "100", "1", "none", "/run/udsd/udsd.sock")
        _settle(lab)
        found = _entries(lab, "UDSD_SOCKET=/run/udsd/udsd.sock", "MESSAGE", "OBJECT_COMM")
        lines = [entry for entry in found if str(entry["MESSAGE"]).startswith("@s")]
        if len(lines) != LINES * _SCRIPTS:
            raise MeasuringError(f"{len(lines)} entries of {LINES * _SCRIPTS}")
        yield Scripts(len(lines), sum("OBJECT_COMM" in entry for entry in lines))


def _cpu(lab: Lab) -> int:
    return lab.cpu("udsd.service") + lab.cpu(JOURNALD)


def _settle(lab: Lab) -> None:
    """Return when all that has been sent so far is stored."""
    lab.machine.run(f"{PROGRAMS}/first", "/run/udsd/udsd.sock")
    lab.machine.run("journalctl", "--sync")


def _entries(lab: Lab, match: str, *fields: str) -> list[dict[str, object]]:
    words = ("journalctl", "--quiet", "--output=json", f"--output-fields={','.join(fields)}", match)
    return [json.loads(line) for line in lab.machine.text(*words).splitlines()]
