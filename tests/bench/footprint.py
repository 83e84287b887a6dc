"""What udsd takes of a machine that does other things: memory, and the time until a first entry."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.contenders import UDSD
from tests.bench.lab import PROGRAMS, Lab
from tests.bench.throughput import Load, case

_SERVICE = "udsd.service"
_SOCKET = "/run/udsd/udsd.sock"

# What is started to send one message, and what a start costs at least.
COMMANDS = (
    ("udsd-send hello", ("udsd-send", "hello")),
    ("python3 -c pass", ("/usr/bin/python3", "-c", "pass")),
    ("logger hello", ("logger", "hello")),
)


@dataclass(frozen=True)
class Memory:
    """Resident memory of the service in KiB: after its first datagram, and at the end of a load."""

    idle: int
    loaded: int


def memories(lab: Lab, rounds: int, load: Load) -> Iterator[Memory]:
    """The memory of a service that is new in each round."""
    for turn in range(rounds):
        lab.machine.run("systemctl", "restart", _SERVICE)
        lab.machine.run(f"{PROGRAMS}/first", _SOCKET)
        idle = lab.resident(_SERVICE)
        case(lab, UDSD, load, f"@m{turn % 100:02}")
        yield Memory(idle, lab.resident(_SERVICE))


def activations(lab: Lab, times: int) -> Iterator[int]:
    """From the first datagram on a socket whose service does not run to its entry, in us."""
    for _ in range(times):
        lab.machine.run("systemctl", "stop", _SERVICE)
        yield lab.ask("first", _SOCKET)
        assert lab.machine.service_pid()


def walls(lab: Lab, times: int) -> dict[str, list[int]]:
    """Wall times of commands, in us."""
    words: list[str] = []
    for _, command in COMMANDS:
        words += ("--", *command)
    return dict(zip([name for name, _ in COMMANDS], lab.ask("wall", str(times), *words[1:]), strict=True))
