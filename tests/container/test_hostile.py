"""What a hostile local user can do: take up his own room, and nobody else's."""

import time

from tests.container.machines import Machine

# What the kernel that each suite ships does not have, whatever kernel the tests run on.
_MISSING = {"bookworm": ["PASSPIDFD", "PASSRIGHTS"], "trixie": ["PASSRIGHTS"], "sid": []}


def test_the_live_service_stands_it_and_others_are_not_touched(machine: Machine) -> None:
    machine.older_kernel(*_MISSING[machine.suite])
    machine.run(*machine.program("send_numbered", "--count=1000", "warm"))
    machine.wait_for("MESSAGE=warm 999")
    descriptors, memory = machine.resources()
    pid = machine.service_pid()
    began = time.monotonic()
    hostile = machine.start(*machine.program("hostile"), user="nobody")
    machine.wait_for("MESSAGE=DONE")
    machine.run(*machine.program("send_numbered", "--count=1000", "other"), user="daemon")
    said, _ = hostile.communicate()
    assert hostile.returncode == 0, said
    machine.run("udsd-send", "that is all")
    machine.wait_for("MESSAGE=that is all")

    assert machine.service_pid() == pid
    after = machine.resources()
    assert after[0] <= descriptors + 1024  # processes it knows; see udsd/senders/registry.py
    assert after[1] <= memory + 4096
    uid = machine.text("id", "-u", "nobody")
    other = machine.datagrams(f"OBJECT_UID={machine.text('id', '-u', 'daemon')}", fields=["MESSAGE"])
    assert [entry["MESSAGE"] for entry in other] == [b"other %d" % number for number in range(1000)]
    stored = machine.datagrams(f"OBJECT_UID={uid}", fields=["MESSAGE", "PRIORITY"])
    assert {entry["PRIORITY"] for entry in stored} == {b"6"}
    machine.run("systemctl", "stop", "udsd.service")
    reports = [entry for entry in machine.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_DROPPED" in entry]
    assert {entry["UDSD_ACCOUNT"] for entry in reports} == {f"uid {uid}".encode()}
    assert int(said) == len(stored) + sum(int(entry["UDSD_DROPPED"]) for entry in reports)
    warnings = machine.journal("_SYSTEMD_UNIT=udsd.service", "PRIORITY=4")
    assert 1 <= sum(b" refused: " in entry["MESSAGE"] for entry in warnings) <= 1 + (time.monotonic() - began) / 30
