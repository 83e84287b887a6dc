"""Programs that log by themselves, and what udsd's journal entries say that they said.

- Each batch of datagrams is followed by one of ours on the same socket: a queue keeps its order, so when that one is
  stored, all before it are.
- Programs that only know /dev/log or journald's socket run in a mount name space of their own where udsd's socket is
  bound over that one.
"""

import json
import re
from pathlib import Path

from tests.container.images import SUITES, image
from tests.container.machines import Entry, Machine, run_in_root

AUTO = "/run/udsd/udsd.sock"
NATIVE = "/run/udsd/native.sock"
DEV_LOG = "/run/systemd/journal/dev-log"  # what the link /dev/log points to
JOURNALD = "/run/systemd/journal/socket"

# What stands for a time in a table of what is expected, and which times it stands for.
LOCAL = b"(local time)"
RFC_3339 = b"(time of RFC 3339)"
_TIMES = {
    LOCAL: re.compile(rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "),
    RFC_3339: re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"),
}

_COMPILER = ("gcc", "libc6-dev", "libsystemd-dev")
_END = "that is all"

Fields = dict[str, bytes]


def compile_programs(source: Path, target: Path) -> None:
    """Compile each program in C of a folder on the oldest suite: a newer one runs it, too."""
    command = (
        "cd /source && for name in *.c; do"
        " gcc -std=gnu11 -Wall -Wextra -Werror -O2 -o /target/${name%.c} $name -lsystemd || exit; done"
    )
    binds = (f"--bind-ro={source}:/source", f"--bind={target}:/target")
    run_in_root(image(SUITES[0], _COMPILER), command, binds=binds)


def over(ours: str, theirs: str, *words: str) -> list[str]:
    """The words that run a command for which our socket stands where another one is."""
    shell = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", shell, "sh", ours, theirs, *words]


def stored(machine: Machine, *words: str, user: str = "root", socket: str = AUTO) -> list[Entry]:
    """The entries of what a command sends to a socket, oldest first."""
    machine.mark()
    machine.run(*words, user=user)
    return until_end(machine, socket)


def until_end(machine: Machine, socket: str = AUTO) -> list[Entry]:
    """The entries of all that has been sent to a socket since the mark; each has one value for a field.

    What ends them is stored whatever the socket's format: text that does not parse is a message, too.
    """
    machine.run("udsd-send", "-u", socket, _END)
    mine = f"UDSD_SOCKET={socket}"
    machine.wait_for(f"MESSAGE={_END}", mine)
    assert not _fields_with_several_values(machine, mine)
    *entries, _ = machine.journal(mine)
    return entries


def _fields_with_several_values(machine: Machine, match: str) -> set[str]:
    """In the JSON of journalctl a list of numbers is one value that is not text, any other list is several."""
    machine.run("journalctl", "--sync")
    lines = machine.text("journalctl", "--output=json", machine.since, match).splitlines()
    return {
        name
        for line in lines
        for name, value in json.loads(line).items()
        if isinstance(value, list) and not all(isinstance(byte, int) for byte in value)
    }


def said(entry: Entry, comm: str, uid: int = 0) -> Fields:
    """What a sender said: the entry without what udsd says about the sender, which must be the truth.

    A sender that has ended before its datagram is read has the name of its unit, or none. Here it has its own, so that
    tables need not care. A pid that is the kernel's is left out: udsd adds it where the sender gives none.
    """
    assert entry.get("OBJECT_COMM", comm.encode()) == comm.encode()
    assert entry["OBJECT_UID"] == b"%d" % uid
    assert int(entry["OBJECT_PID"]) > 1
    fields = {n: v for n, v in entry.items() if not n.startswith(("_", "OBJECT_")) and n not in _OF_UDSD}
    if "OBJECT_COMM" not in entry and fields["SYSLOG_IDENTIFIER"] in _NAMES_OF_ENDED:
        fields["SYSLOG_IDENTIFIER"] = comm.encode()
    if fields["SYSLOG_PID"] == entry["OBJECT_PID"]:
        del fields["SYSLOG_PID"]
    time = fields.get("SYSLOG_TIMESTAMP")
    if time is not None:
        fields["SYSLOG_TIMESTAMP"] = next((name for name, form in _TIMES.items() if form.fullmatch(time)), time)
    return fields


_NAMES_OF_ENDED = (b"unknown", b"init", b"session-1")
_OF_UDSD = ("UDSD_SOCKET", "UDSD_SENDER_UNPROVEN")


def syslog(pri: int, tag: str, message: str | bytes, *, time: bytes = LOCAL, **others: str | bytes) -> Fields:
    """The fields of a message of syslog; an empty `time` is none."""
    fields = {
        "PRIORITY": b"%d" % (pri & 7),
        "SYSLOG_FACILITY": b"%d" % (pri >> 3),
        "SYSLOG_IDENTIFIER": tag.encode(),
        "SYSLOG_TIMESTAMP": time,
        "MESSAGE": _bytes(message),
        **{name: _bytes(value) for name, value in others.items()},
    }
    absent = {name for name in ("SYSLOG_FACILITY", "SYSLOG_TIMESTAMP") if fields[name] in (b"", b"0")}
    return {name: value for name, value in fields.items() if name not in absent}


def text(comm: str, message: str | bytes, **others: str | bytes) -> Fields:
    """The fields of a message that is only text."""
    fields = {"PRIORITY": b"6", "SYSLOG_IDENTIFIER": comm.encode(), "MESSAGE": _bytes(message)}
    return fields | {name: _bytes(value) for name, value in others.items()}


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
