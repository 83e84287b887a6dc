"""The logging handler in a threaded program, through restarts of the service and of its socket."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.container.machines import Entry, Machine

_PRIORITIES = (b"7", b"6", b"4", b"3", b"2")
_FIELDS = (
    *("MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "LOGGER", "CODE_FILE", "CODE_FUNC"),
    *("THREAD_NAME", "WORKER", "NUMBER", "OBJECT_UID", "UDSD_REDELIVERED"),
)


class Program:
    """What it said when it was told to end: nothing but its account."""

    def __init__(self) -> None:
        self.logged: list[int] = []
        self.dropped = -1


@contextmanager
def logging_program(machine: Machine) -> Iterator[Program]:
    """A threaded program that logs while this is entered. Whatever it has logged is in the journal afterwards."""
    machine.options("--rate-limit=off")
    program = Program()
    started = machine.start(*machine.program("log_with_handler"), user="nobody")
    try:
        for worker in range(8):
            machine.wait_for(f"WORKER={worker}", "NUMBER=100")
        yield program
    finally:
        said = machine.stop(started).decode()
        assert started.returncode == 0, f"{machine.suite}: {said}"
    account = json.loads(said)
    program.logged, program.dropped = account["logged"], account["dropped"]
    machine.run("udsd-send", "that is all")
    machine.wait_for("MESSAGE=that is all")


def expected(worker: int, number: int) -> Entry:
    return {
        "MESSAGE": b"record %d" % number,
        "PRIORITY": _PRIORITIES[number % 5],
        "SYSLOG_FACILITY": b"1",
        "SYSLOG_IDENTIFIER": b"my app",
        "LOGGER": b"app.part",
        "CODE_FILE": b"/programs/log_with_handler.py",
        "CODE_FUNC": b"work",
        "THREAD_NAME": b"worker %d" % worker,
        "WORKER": b"%d" % worker,
        "NUMBER": b"%d" % number,
        "OBJECT_UID": b"65534",
    }


def stored(machine: Machine) -> list[Entry]:
    """All records that are in the journal, with the fields that are looked at."""
    found = machine.datagrams("LOGGER=app.part", fields=_FIELDS)
    return [{name: value for name, value in entry.items() if name in _FIELDS} for entry in found]


def numbers(entries: list[Entry]) -> Counter[tuple[int, int]]:
    return Counter((int(entry["WORKER"]), int(entry["NUMBER"])) for entry in entries)


def test_ten_restarts_of_the_service_lose_nothing(machine: Machine) -> None:
    with logging_program(machine) as program:
        for _ in range(10):
            machine.run("systemctl", "restart", "udsd.service")
    assert program.dropped == 0
    entries = stored(machine)
    assert numbers(entries) == Counter(
        (worker, number) for worker, count in enumerate(program.logged) for number in range(count)
    )
    for entry in entries:
        assert entry == expected(int(entry["WORKER"]), int(entry["NUMBER"]))


def test_a_socket_that_is_replaced_is_found_again(machine: Machine) -> None:
    """With its socket systemd throws away the queue: what is in it is lost, and nothing after it."""
    with logging_program(machine) as program:
        for _ in range(3):
            machine.run("systemctl", "restart", "udsd.socket")
            machine.mark()
            for worker in range(8):
                machine.wait_for("LOGGER=app.part", f"WORKER={worker}")
        before = numbers(stored(machine))
        worker, number = max(before)
        machine.wait_for(f"WORKER={worker}", f"NUMBER={number + 1}")
    assert program.dropped == 0
    entries = stored(machine)
    assert len(entries) > before.total()
    found = numbers(entries)
    assert max(found.values()) == 1
    for worker, count in enumerate(program.logged):
        mine = {number for name, number in found if name == worker}
        assert mine == set(range(min(mine), count)), f"{machine.suite}: lost after the socket was replaced"
