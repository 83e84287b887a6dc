"""journald stopped together with its sockets, in mid-stream: the one case in which its queue dies with it."""

import os
import time
from collections import Counter

from tests.container.machines import Machine


def cpu_seconds(machine: Machine) -> float:
    stat = machine.text("cat", f"/proc/{machine.service_pid()}/stat").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def test_nothing_is_lost_and_waiting_costs_nothing(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    count = 100_000
    journald = ["systemd-journald.service", *machine.show("systemd-journald.service", "TriggeredBy").split()]
    sender = machine.start(*machine.program("send_numbered", str(count), "n"))
    machine.wait_for("MESSAGE=n 10000")
    machine.run("systemctl", "stop", *journald)
    assert sender.poll() is None, "the load was over before journald was stopped: send more"
    used = cpu_seconds(machine)
    time.sleep(10)
    used = cpu_seconds(machine) - used
    status = machine.show("udsd.service", "StatusText")
    assert sender.poll() is None, "a full queue must make the sender wait"
    machine.run("systemctl", "start", *reversed(journald))
    machine.finish(sender)
    machine.wait_for(f"MESSAGE=n {count - 1}")

    assert used <= 0.1
    assert status.startswith("waiting for journald (")
    stored = machine.datagrams(fields=["MESSAGE", "UDSD_REDELIVERED"])
    numbers = Counter(int(entry["MESSAGE"].split()[1]) for entry in stored)
    assert sorted(numbers) == list(range(count))
    first_hand = [entry for entry in stored if "UDSD_REDELIVERED" not in entry]
    assert len(first_hand) == len({entry["MESSAGE"] for entry in first_hand}), "a repeat that is not marked as one"
    own = [entry["MESSAGE"] for entry in machine.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_SOCKET" not in entry]
    assert sum(message.startswith(b"journald takes no entries (") for message in own) == 1
    assert sum(message.startswith(b"journald takes entries again after ") for message in own) == 1


def test_a_restart_of_journald_is_not_noticed(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    count = 100_000
    sender = machine.start(*machine.program("send_numbered", str(count), "n"))
    machine.wait_for("MESSAGE=n 10000")
    machine.run("systemctl", "restart", "systemd-journald.service")
    assert sender.poll() is None, "the load was over before journald was restarted: send more"
    machine.finish(sender)
    machine.wait_for(f"MESSAGE=n {count - 1}")
    assert machine.messages() == [b"n %d" % number for number in range(count)]
