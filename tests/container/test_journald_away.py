"""journald stopped together with its sockets, in mid-stream: the one case in which its queue dies with it."""

import os
import time

from tests.container.load import check, load
from tests.container.machines import Machine


def cpu_seconds(machine: Machine, pid: int) -> float:
    stat = machine.text("cat", f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def test_nothing_is_lost_and_waiting_costs_nothing(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    with load(machine, senders=1) as sent, machine.without_journald():
        machine.wait_for_status("=waiting for journald (")
        pids = machine.service_pid(), int(machine.text("pgrep", "--full", "send_numbered"))
        before = [cpu_seconds(machine, pid) for pid in pids]
        time.sleep(5)
        daemon, sender = (cpu_seconds(machine, pid) - used for pid, used in zip(pids, before, strict=True))
        status = machine.show("udsd.service", "StatusText")

    assert daemon <= 0.1 * machine.slower
    assert sender <= 0.1 * machine.slower, "a full queue must make the sender wait"
    assert status.startswith("waiting for journald (")
    check(machine, sent, most_repeats=len(sent.numbers()))  # all of them marked
    own = [entry["MESSAGE"] for entry in machine.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_SOCKET" not in entry]
    assert sum(message.startswith(b"journald takes no entries (") for message in own) == 1
    assert sum(message.startswith(b"journald takes entries again after ") for message in own) == 1


def test_a_restart_of_journald_is_not_noticed(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    with load(machine, senders=1) as sent:
        machine.run("systemctl", "restart", "systemd-journald.service")
    (count,) = sent.sent.values()
    found = machine.messages()
    assert list(dict.fromkeys(found)) == [*(b"s0 %d " % number for number in range(count)), b"that is all"]
    repeats = len(found) - len(set(found))
    assert repeats <= (0 if machine.remembers_ended() else 1)  # else udsd does not know how journald ended
    assert len(machine.datagrams("UDSD_REDELIVERED=1")) == repeats
