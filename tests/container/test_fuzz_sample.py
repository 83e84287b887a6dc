"""A real journald takes whole what udsd makes of hostile bytes: of payloads, and of the names that senders choose."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.container.machines import Machine
from tests.fuzz.targets import TARGETS
from tests.source import TOP

_CORPUS = TOP / "tests/fuzz/corpus"
_TOKENS = [token for target in TARGETS.values() for token in target.tokens]
_SENDERS = 250
_PROGRAM = "/programs/hostile_names.py"
_FIELDS = {
    *("MESSAGE", "PRIORITY", "UDSD_SOCKET", "SYSLOG_IDENTIFIER", "OBJECT_COMM", "OBJECT_CMDLINE"),
    *("OBJECT_PID", "OBJECT_UID", "OBJECT_GID", "SYSLOG_PID"),
    *("OBJECT_SYSTEMD_CGROUP", "OBJECT_SYSTEMD_UNIT", "OBJECT_SYSTEMD_SLICE"),
}


class Hostile(NamedTuple):
    """What a process chooses: its own name, words of its command line, its control group, its payload."""

    comm: bytes
    words: list[bytes]
    group: bytes
    payload: bytes


def kept(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((_CORPUS / target).iterdir())]


def hostile(source: random.Random) -> Iterator[Hostile]:
    """Each kept input in the place for which it was kept, and pieces of hostile bytes in all others."""

    def pieces() -> bytes:
        return b"".join(source.choice([*_TOKENS, source.randbytes(3)]) for _ in range(source.randrange(12)))

    payloads, names, paths = kept("format-raw"), kept("sender"), kept("cgroup-path")
    for _ in range(_SENDERS):
        comm, _, cmdline = (names.pop() if names else pieces() + b"\0" + pieces()).partition(b"\0")
        group = re.sub(rb"[\0\n/]", b"", paths.pop() if paths else pieces())[:200]
        group = b"group " + group + b"."  # so that it is neither there already, nor like one that is gone
        payload = (payloads.pop() if payloads else pieces()) or b"an empty one is not stored"
        yield Hostile(comm[:15], cmdline.removesuffix(b"\0").split(b"\0"), group, payload)


def as_text(sender: Hostile) -> dict[str, str | list[str]]:
    """What the program reads: a character for each byte."""
    return {
        "comm": sender.comm.decode("latin-1"),
        "words": [word.decode("latin-1") for word in sender.words],
        "group": sender.group.decode("latin-1"),
        "payload": sender.payload.decode("latin-1"),
    }


def test_journald_stores_just_these_fields_byte_for_byte(machine: Machine) -> None:
    machine.options("--cmdline")
    machine.drop_in("raw", "[Socket]\nFileDescriptorName=raw\n", unit="udsd.socket")
    machine.run("systemctl", "restart", "udsd.socket")
    senders = list(hostile(random.Random(20261124)))
    Path(machine.shared, "chosen").write_text(json.dumps([as_text(sender) for sender in senders]))
    unit = ["systemd-run", "--quiet", "--wait", "--pipe", "--unit=hostile", "--property=User=nobody"]
    machine.run(*unit, "--property=Delegate=yes", "python3", _PROGRAM, "all", "/host/chosen")

    stored = machine.datagrams()
    assert len(stored) == len(senders)
    for entry, sender in zip(stored, senders, strict=True):
        assert {name for name in entry if not name.startswith("_")} == _FIELDS, sender
        assert entry["MESSAGE"] == re.sub(rb"\n\0*\Z", b"", sender.payload)
        assert entry["OBJECT_COMM"] == sender.comm
        assert entry["SYSLOG_IDENTIFIER"] == (sender.comm or b"hostile")
        assert entry["OBJECT_CMDLINE"] == b" ".join([b"python3 -IS", _PROGRAM.encode(), *sender.words])
        assert entry["OBJECT_SYSTEMD_CGROUP"] == b"/system.slice/hostile.service/" + sender.group
        assert entry["OBJECT_SYSTEMD_UNIT"] == b"hostile.service"
        assert entry["PRIORITY"] == b"6"
    assert machine.show("udsd.service", "NRestarts") == "0"
