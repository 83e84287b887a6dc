"""The main job on a booted machine: a datagram on the socket is an entry in the journal."""

import os
import random
import re

import pytest

from tests.container.load import caged, check, load
from tests.container.machines import Entry, Machine
from tests.patience import MACHINE_SECONDS
from tests.source import TOP

IMITATIONS = [
    b"x\nPRIORITY=0\n_UID=0",
    b"x\nMESSAGE\n\x01\0\0\0\0\0\0\0y\n",
    b"PRIORITY=0",
    b"\n\nMESSAGE=second entry\n",
    b"=",
    b"\x1b[31mred\x1b[0m",
    b"\xff\xfe invalid \xc3\x28",
    b"\0\0NULs\0within\0\0",
    b"two\n\n",
    b"newline and NULs\n\0\0",
    b"NUL alone\0",
    b"DONE?",
]
EDGES = [0, 1, 2, 255, 256, 4095, 4096, 65535, 65536, 65537, 131072, 199_999, 200_000]


def counters(entry: Entry) -> dict[str, int]:
    return {
        name: int(entry[f"UDSD_{name}"]) for name in ("RECEIVED", "STORED", "EMPTY", "STOPS_REFUSED", "STOPS_OBEYED")
    }


def last_words(machine: Machine) -> dict[str, int]:
    """The counters that the service leaves when it stops."""
    machine.run("systemctl", "stop", "udsd.service")
    (entry,) = [e for e in machine.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_RECEIVED" in e]
    return counters(entry)


def send_frames(machine: Machine, payloads: list[bytes]) -> None:
    machine.run(*machine.program("send_frames", machine.frames(payloads)))


def test_a_datagram_of_an_unprivileged_user_starts_the_service_and_is_stored(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd.socket")
    assert machine.show("udsd.service", "ActiveState") == "inactive"
    pid = machine.text("sh", "-c", "echo $$; exec udsd-send hello", user="nobody")
    machine.wait_for("MESSAGE=hello")
    assert machine.show("udsd.service", "ActiveState") == "active"
    (entry,) = machine.journal("--unit=udsd", "MESSAGE=hello")
    uid, gid = machine.text("id", "-u", "nobody").encode(), machine.text("id", "-g", "nobody").encode()
    assert (entry["OBJECT_PID"], entry["OBJECT_UID"], entry["OBJECT_GID"]) == (pid.encode(), uid, gid)
    assert entry["PRIORITY"] == b"6"
    assert entry["SYSLOG_IDENTIFIER"] in {b"udsd-send", b"unknown"}  # the second if it had ended by then
    assert entry["UDSD_SOCKET"] == b"/run/udsd/udsd.sock"
    assert entry["_SYSTEMD_UNIT"] == b"udsd.service"


def test_any_payload_arrives_once_in_order_byte_for_byte(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    source = random.Random(20261122)
    payloads = [source.choice(IMITATIONS) for _ in range(1000)]
    payloads += [source.randbytes(size) for size in EDGES for _ in range(10)]
    payloads += [b"line\n" * (size // 5) for size in EDGES]
    while len(payloads) < 10_000:
        payloads.append(source.randbytes(int(10 ** source.uniform(0, 4))))
    source.shuffle(payloads)
    payloads.append(b"last")
    send_frames(machine, payloads)
    machine.wait_for("MESSAGE=last")
    expected = [re.sub(rb"\n\0*\Z", b"", payload) for payload in payloads if payload]
    stored = machine.datagrams()
    assert [entry["MESSAGE"] for entry in stored] == expected
    assert {entry["PRIORITY"] for entry in stored} == {b"6"}
    assert {entry["_SYSTEMD_UNIT"] for entry in stored} == {b"udsd.service"}
    assert last_words(machine) == {
        "RECEIVED": len(payloads),
        "STORED": len(expected),
        "EMPTY": len(payloads) - len(expected),
        "STOPS_REFUSED": 0,
        "STOPS_OBEYED": 0,
    }


def test_a_burst_is_stored_whole(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    count = 200_000
    machine.run(*machine.program("send_numbered", f"--count={count}", "burst"))
    machine.wait_for(f"MESSAGE=burst {count - 1}")
    assert machine.messages() == [b"burst %d" % number for number in range(count)]


def test_a_datagram_of_three_mebibytes_arrives_whole(machine: Machine) -> None:
    payload = random.Random(3).randbytes(3 << 20)
    send_frames(machine, [payload, b"after"])
    machine.wait_for("MESSAGE=after")
    assert machine.messages() == [payload, b"after"]


def test_done_stops_the_service_for_those_who_may(machine: Machine) -> None:
    started_by = machine.show("udsd.service", "InvocationID")
    for user in ("root", "udsd"):
        machine.run("udsd-send", f"wakes it for {user}")
        machine.run("systemctl", "start", "udsd.service")  # waits until it is up
        invocation = machine.show("udsd.service", "InvocationID")
        assert invocation != started_by
        machine.run("udsd-send", "DONE", user="nobody")
        machine.run(
            *machine.program("until_exit", str(machine.service_pid()), *machine.become(user), "udsd-send", "DONE")
        )
        (bye,) = [e for e in machine.journal(f"_SYSTEMD_INVOCATION_ID={invocation}") if "UDSD_RECEIVED" in e]
        assert bye["MESSAGE"].startswith(b"stopped by DONE from uid %s, " % machine.text("id", "-u", user).encode())
        assert counters(bye) == {"RECEIVED": 3, "STORED": 2, "EMPTY": 0, "STOPS_REFUSED": 1, "STOPS_OBEYED": 1}
        assert machine.show("udsd.service", "Result") == "success"
        assert machine.show("udsd.socket", "ActiveState") == "active"
        started_by = invocation
    assert machine.messages() == [b"wakes it for root", b"DONE", b"wakes it for udsd", b"DONE"]


def test_what_follows_done_is_stored(machine: Machine) -> None:
    send_frames(machine, [b"before", b"DONE", b"after", b"DONE\n", b"last"])
    machine.wait_for("MESSAGE=last")
    assert machine.messages() == [b"before", b"after", b"last"]


def test_stopping_the_units_leaves_nothing(machine: Machine) -> None:
    machine.run("udsd-send", "hello")
    machine.run("systemctl", "stop", "udsd.socket", "udsd.service")
    assert machine.text("find", "/run/udsd") == "/run/udsd", "the empty directory stays, for those who have it mounted"


def test_a_flood_of_stops_and_starts_fails_neither_unit(machine: Machine) -> None:
    stops = 60  # each a start of the service; systemd's own limit is 20 in 2 s
    # A datagram that is still queued starts the service again, which cancels the stop: then systemctl fails.
    flood = "for n in $(seq $0); do udsd-send $n; systemctl stop udsd.service || :; done"
    machine.run("sh", "-euc", flood, str(stops))
    machine.run("udsd-send", "still here")
    machine.wait_for("MESSAGE=still here")
    assert machine.messages() == [*(b"%d" % number for number in range(1, stops + 1)), b"still here"]
    assert machine.show("udsd.socket", "Result") == "success"


def test_a_flood_of_restarts_does_not_fail_the_socket(machine: Machine) -> None:
    for _ in range(30):  # systemd's own limit is 5 in 10 s
        machine.run("systemctl", "restart", "udsd.socket")
    machine.run("udsd-send", "still here")
    machine.wait_for("MESSAGE=still here")


def test_what_is_queued_when_the_socket_is_stopped_is_stored(machine: Machine) -> None:
    count = 270
    machine.run("systemctl", "start", "udsd.service")
    for verb in ("restart", "stop"):
        machine.run("kill", "-STOP", str(machine.service_pid()))  # so that datagrams stay queued
        machine.run(*machine.program("send_numbered", f"--count={count}", verb))
        machine.run("systemctl", verb, "udsd.socket")  # sends SIGCONT with its SIGTERM
        machine.run("systemctl", "start", "udsd.service", "udsd.socket")
    expected = [b"%s %d" % (verb, number) for verb in (b"restart", b"stop") for number in range(count)]
    assert machine.messages() == expected


@pytest.mark.parametrize("drop_in", [None, "journalctl-u.conf"], ids=["default", "root"])
def test_restarts_of_the_socket_under_load_lose_and_repeat_nothing(machine: Machine, drop_in: str | None) -> None:
    if drop_in:
        machine.drop_in("root", (TOP / "systemd/examples" / drop_in).read_text())
    machine.options("--rate-limit=off")
    with load(machine, again=True) as under_way:
        for number in range(int(os.environ.get("UDSD_TESTS_RESTARTS", "4" if drop_in else "10"))):
            machine.run("systemctl", "restart", "udsd.socket")
            if number % 2:  # else the next restart meets a udsd that starts
                machine.run("systemctl", "start", "udsd.service")  # waits until it is up
        machine.run("systemctl", "stop", "udsd.socket")
        assert machine.show("udsd.service", "ActiveState") == "inactive"
        machine.run("systemctl", "start", "udsd.socket")
    check(machine, under_way)


def test_both_units_restarted_in_one_command_lose_and_repeat_nothing(machine: Machine) -> None:
    """No job is cancelled either: systemctl would fail."""
    machine.options("--rate-limit=off")
    with load(machine, again=True) as under_way:
        for words in 3 * [("udsd.socket", "udsd.service"), ("udsd.service", "udsd.socket")]:
            machine.run("systemctl", "restart", *words)
    check(machine, under_way)
    assert machine.show("udsd.service", "ActiveState") == "active"


def test_what_ran_before_a_restart_runs_after_it(machine: Machine) -> None:
    """Without a datagram that would start it."""
    both = ["udsd.socket", "udsd.service"]
    until_active = "until systemctl --quiet is-active udsd.service; do sleep 0.1; done"
    machine.run("systemctl", "start", "udsd.socket")
    machine.run("systemctl", "restart", "udsd.socket")
    assert machine.show("udsd.service", "ActiveState") == "inactive"
    for units in both, both[::-1], both[:1]:
        before = machine.show("udsd.service", "InvocationID")
        machine.run("systemctl", "restart", *units)
        machine.run("timeout", str(MACHINE_SECONDS), "sh", "-c", until_active)
        assert machine.show("udsd.socket", "ActiveState") == "active"
        assert machine.show("udsd.service", "InvocationID") != before
    machine.run("systemctl", "stop", "udsd.socket")
    assert machine.show("udsd.service", "ActiveState") == "inactive"


def test_a_socket_without_its_file_is_not_sealed_in_vain(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd.service")
    machine.run("rm", "/run/udsd/udsd.sock")
    machine.run("systemctl", "restart", "udsd.service", status=1)
    told = "until systemctl status --lines=0 udsd.service | grep 'has been shut down'; do sleep 0.1; done"
    machine.run("timeout", str(MACHINE_SECONDS), "sh", "-c", told)  # it tries again all the time
    machine.run("systemctl", "restart", "udsd.socket")
    machine.run("udsd-send", "after the restart of the socket")
    machine.wait_for("MESSAGE=after the restart of the socket")


def test_a_directory_that_is_mounted_elsewhere_outlives_the_socket(machine: Machine) -> None:
    """A service with a root of its own sends before and after a restart of the socket and a stop and start of all."""
    began = machine.since
    with caged(machine) as under_way:
        for verbs in (["restart"], ["stop", "start"]):
            for verb in verbs:
                machine.run("systemctl", verb, "udsd.socket")
            machine.mark()
            machine.wait_for("OBJECT_SYSTEMD_UNIT=caged.service")
    machine.since = began
    check(machine, under_way)


def test_the_status_is_true_when_it_is_looked_at(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd.service")
    for number in range(1, 6):
        machine.run("udsd-send", f"message {number}")
        machine.wait_for(f"MESSAGE=message {number}")
        machine.wait_for_status(f"=received {number}, stored {number}, empty 0; busiest since .* {number}$")


def test_restarts_under_load_lose_and_repeat_nothing(machine: Machine) -> None:
    machine.options("--rate-limit=off")
    with load(machine) as under_way:
        for _ in range(20):
            machine.run("systemctl", "restart", "udsd.service")
    stored = machine.messages()
    for name, count in under_way.sent.items():
        mine = [message for message in stored if message.startswith(name)]
        assert mine == [b"%s %d " % (name, number) for number in range(count)]
    assert len(stored) == sum(under_way.sent.values()) + len([b"that is all"])


def test_a_daemon_on_a_socket_of_its_own_stores_what_was_queued_when_it_was_stopped(machine: Machine) -> None:
    path, count = "/run/own.sock", 5000
    daemon = machine.start("systemd-run", "--wait", "--quiet", "--property=Type=notify", "udsd", "--listen", path)
    machine.wait_for(f"MESSAGE=receiving on {path}")
    machine.run(*machine.program("send_numbered", f"--count={count}", f"--socket={path}", "own"))
    machine.run("udsd-send", "-u", path, "DONE")
    machine.finish(daemon)
    stored = machine.datagrams(f"UDSD_SOCKET={path}", fields=["MESSAGE"])
    assert [entry["MESSAGE"] for entry in stored] == [b"own %d" % number for number in range(count)]
    machine.run("test", "!", "-e", path)
    machine.run("test", "!", "-e", f"{path}.lock")


def test_a_queue_longer_than_systemds_is_asked_for_and_its_refusal_is_no_failure(machine: Machine) -> None:
    """In a machine /proc/sys can only be read, so that it is read here what a host would set."""
    setting = machine.text("grep", "^net.unix.max_dgram_qlen = ", "/usr/lib/sysctl.d/60-udsd.conf")
    assert int(setting.rpartition(" ")[2]) > 512
    asked = machine.text("systemctl", "show", "--property=ExecStartPre", "udsd.socket")
    assert "/systemd-sysctl --prefix=/net/unix/max_dgram_qlen ; ignore_errors=yes" in asked
    machine.run("systemctl", "restart", "udsd.socket")
    assert machine.show("udsd.socket", "ActiveState") == "active"
