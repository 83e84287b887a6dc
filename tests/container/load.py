"""Numbered datagrams from several senders through a fault, and the account of them afterwards."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.container.machines import Machine
from tests.patience import MACHINE_SECONDS

SOCKET = "UDSD_SOCKET=/run/udsd/udsd.sock"

NUMBERED = re.compile(rb"(s\w+) (\d+)\b")

Number = tuple[bytes, int]  # a sender's name, and the number of one of its datagrams


class Load:
    """What was sent, once it is over: how many datagrams the kernel took from each sender."""

    def __init__(self) -> None:
        self.sent: dict[bytes, int] = {}

    def numbers(self) -> set[Number]:
        """Every datagram that was sent."""
        return {(name, number) for name, count in self.sent.items() for number in range(count)}


def times(machine: Machine, number: int) -> int:
    """How often a fault comes: on trixie as often as the promise was made for, on other suites a fifth of it."""
    return number if machine.suite == "trixie" else number // 5


def wait_for_number(machine: Machine, name: str, number: int, *sizes: int, seconds: float = MACHINE_SECONDS) -> None:
    """Return when the journal has this datagram of a load of these sizes."""
    payload = f"{name} {number} ".ljust(sizes[number % len(sizes)] if sizes else 0, ".")
    machine.wait_for(f"MESSAGE={payload}", seconds=seconds)


def known_journald_pid(machine: Machine, journald: str, udsd: str = "udsd.service") -> str:
    """The pid of the journald of that unit when udsd has a pidfd of it, as it soon has of each.

    Killed then, it leaves an entry to be sent again, if entries are in flight.
    """
    pid, of = machine.show(journald, "MainPID"), machine.show(udsd, "MainPID")
    look = f"until grep -qsx 'Pid:[[:space:]]{pid}' /proc/{of}/fdinfo/*; do sleep 0.01; done"
    machine.run("timeout", str(MACHINE_SECONDS), "sh", "-c", look)
    return pid


@contextmanager
def load(machine: Machine, *sizes: int, senders: int = 4, again: bool = False) -> Iterator[Load]:
    """Senders that send as fast as they can, datagrams of these sizes (bytes) in turn, while this is entered.

    No sender may see an error, but for those of a socket that is replaced, with `again`. Whatever they have sent is in
    the journal, or lost, when this has been left.
    """
    options = ["--pad", *map(str, sizes or (0,)), *(["--again"] if again else [])]
    programs = {f"s{number}": machine.program("send_numbered", f"s{number}", *options) for number in range(senders)}
    with _running(machine, programs) as under_way:
        for name in programs:
            wait_for_number(machine, name, 100, *sizes)
        yield under_way
    machine.run("udsd-send", "that is all")
    machine.wait_for("MESSAGE=that is all")


@contextmanager
def direct(machine: Machine) -> Iterator[Load]:
    """The same to journald itself, without udsd, from one sender."""
    with _running(machine, {"sdirect": machine.program("send_numbered", "--entry", "sdirect")}) as under_way:
        yield under_way


@contextmanager
def caged(machine: Machine) -> Iterator[Load]:
    """A service sends from a root of its own with /run/udsd mounted. If the socket is replaced, it connects again."""
    root = "/var/empty/root"
    machine.run("sh", "-c", f"mkdir -p {root} && mount --bind / {root}")
    properties = [f"RootDirectory={root}", "BindReadOnlyPaths=/run/udsd /programs", "MountAPIVFS=yes"]
    run = ["systemd-run", "--quiet", "--wait", "--pipe", "--unit=caged", *[f"--property={p}" for p in properties]]
    under_way = Load()
    started = machine.start(*run, *machine.program("send_numbered", "--again", "--rate=100", "scaged"))
    try:
        machine.wait_for("MESSAGE=scaged 10")
        yield under_way
    finally:
        machine.run("systemctl", "stop", "caged.service")
        said, _ = started.communicate()
        assert started.returncode == 0, f"{machine.suite}: {said.decode()}"
        under_way.sent[b"scaged"] = int(said)


@contextmanager
def _running(machine: Machine, programs: dict[str, list[str]]) -> Iterator[Load]:
    under_way = Load()
    started = {name: machine.start(*words) for name, words in programs.items()}
    try:
        yield under_way
    except BaseException:
        for sender in started.values():
            machine.kill(sender)  # it may wait for what has failed, and not hear a SIGTERM
        raise
    for name, sender in started.items():
        said = machine.stop(sender)
        assert sender.returncode == 0, f"{machine.suite}: {name}: {said.decode()}"
        under_way.sent[name.encode()] = int(said)


def stored(machine: Machine, *matches: str) -> Counter[Number]:
    """How often each datagram is in the journal, among the entries that match."""
    machine.run("journalctl", "--sync")
    words = ["journalctl", "--output=cat", machine.since, *(matches or (SOCKET,))]
    found: Counter[Number] = Counter()
    with subprocess.Popen(machine.command(*words), stdout=subprocess.PIPE) as journalctl:
        assert journalctl.stdout is not None
        for line in journalctl.stdout:
            if numbered := NUMBERED.match(line):
                found[numbered[1], int(numbered[2])] += 1
    assert journalctl.returncode == 0
    return found


def check(machine: Machine, load: Load, *, most_repeats: int = 0) -> dict[str, int]:
    """Each datagram must be in the journal, once or, so many times in all, twice: the second time marked as a repeat.

    The account, which is printed too: pytest shows it with -rP.
    """
    found, marked = stored(machine), stored(machine, SOCKET, "UDSD_REDELIVERED=1")
    sent = load.numbers()
    lost, invented = sent - found.keys(), found.keys() - sent
    repeats = {number: times - 1 for number, times in found.items() if times > 1}
    account = {
        "sent": len(sent),
        "stored": found.total(),
        "lost": len(lost),
        "repeated": sum(repeats.values()),
        "marked as possible repeats": marked.total(),
    }
    sys.stdout.write(f"{machine.suite}: {account}\n")
    assert not lost, f"{machine.suite}: {account}: {sorted(lost)[:10]}"
    assert not invented, f"{machine.suite}: {account}: {sorted(invented)[:10]}"
    assert sum(repeats.values()) <= most_repeats, f"{machine.suite}: {account}"
    unmarked = {number for number, more in repeats.items() if marked[number] < more}
    assert not unmarked, f"{machine.suite}: {account}: not marked: {sorted(unmarked)[:10]}"
    return account
