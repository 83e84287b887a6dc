"""The main job on the kernels that Debian ships, which differ in what they tell of a sender."""

import platform

import pytest

from tests.container.attacks import claim_a_pid, pass_a_pid_on
from tests.container.emulated import Emulated
from tests.container.load import check, load
from tests.source import TOP

pytestmark = pytest.mark.one_process

_RELEASES = {"bookworm": "6.1.", "trixie": "6.12."}
_PASSRIGHTS = (6, 16)  # the first Linux with SO_PASSRIGHTS

_SENDS_DESCRIPTOR = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.connect("/run/udsd/udsd.sock")
    try:
        socket.send_fds(sender, [b"with a descriptor"], [os.open("/etc/hostname", os.O_RDONLY)])
    except PermissionError:
        print("refused")
"""


@pytest.fixture(autouse=True)
def _fresh(emulated: Emulated) -> None:
    """The machine is one for all tests here: each sees only its own entries."""
    emulated.mark()


def test_the_kernel_is_the_one_of_the_suite(emulated: Emulated) -> None:
    assert emulated.kernel().startswith(_RELEASES.get(emulated.suite, ""))
    assert emulated.kernel() != platform.release()


def test_a_steady_sender_is_named(emulated: Emulated) -> None:
    payloads = [b"steady %d" % number for number in range(100)]
    service = ["systemd-run", "--quiet", "--unit=steady", "--service-type=notify", "--property=User=nobody"]
    emulated.run(*service, *emulated.program("send_frames", "--notify", emulated.frames(payloads)))
    emulated.wait_for(f"MESSAGE={payloads[-1].decode()}")
    entries = emulated.datagrams()
    pid = emulated.show("steady.service", "MainPID").encode()
    uid = emulated.text("id", "-u", "nobody").encode()
    emulated.run("systemctl", "stop", "steady.service")
    assert [entry["MESSAGE"] for entry in entries] == payloads
    for entry in entries:
        assert (entry["OBJECT_PID"], entry["OBJECT_UID"]) == (pid, uid)
        assert (entry["OBJECT_SYSTEMD_UNIT"], entry["OBJECT_COMM"]) == (b"steady.service", b"python3")
        assert "UDSD_SENDER_UNPROVEN" not in entry  # before 6.5, since it started long before it sent


def test_senders_that_end_at_once_are_never_taken_for_others(emulated: Emulated) -> None:
    for unit in ("one", "two"):
        words = emulated.program("one_shots", "100")
        emulated.run("systemd-run", "--quiet", "--wait", f"--unit={unit}", "--property=User=nobody", *words)
    emulated.run("udsd-send", "both have ended")
    emulated.wait_for("MESSAGE=both have ended")
    last = (b"that is all", b"both have ended")
    entries = [entry for entry in emulated.datagrams() if entry["MESSAGE"] not in last]
    assert [int(entry["MESSAGE"].split()[0]) for entry in entries] == [*range(100), *range(100)]
    for number, entry in enumerate(entries):
        unit = "one" if number < 100 else "two"
        assert entry["OBJECT_PID"] == entry["MESSAGE"].split()[1]
        assert entry.get("OBJECT_SYSTEMD_UNIT", b"") in (b"", f"{unit}.service".encode())


def test_a_pid_that_has_passed_to_another_unit_never_tells_the_wrong_one(emulated: Emulated) -> None:
    pass_a_pid_on(emulated)


@pytest.mark.parametrize("drop_in", [None, "journalctl-u.conf"], ids=["default", "root"])
def test_the_pid_of_another_process_is_not_believed(emulated: Emulated, drop_in: str | None) -> None:
    """Least of all by root: to what it sends with OBJECT_PID, journald would add the fields of that process."""
    emulated.drop_in("user", (TOP / "systemd/examples" / drop_in).read_text() if drop_in else "")
    emulated.run("systemctl", "restart", "udsd.service")
    claim_a_pid(emulated)
    emulated.drop_in("user", "")


def test_a_descriptor_is_refused_and_never_installed(emulated: Emulated) -> None:
    refused = emulated.text("python3", "-c", _SENDS_DESCRIPTOR) == "refused"
    emulated.run("udsd-send", "after")
    emulated.wait_for("MESSAGE=after")
    assert refused == (emulated.linux() >= _PASSRIGHTS)
    stored = {entry["MESSAGE"]: entry.get("UDSD_MALFORMED") for entry in emulated.datagrams()}
    assert stored.pop(b"with a descriptor", None) == (None if refused else b"descriptor refused")
    assert stored == {b"after": None}
    assert "/etc/hostname" not in emulated.text("ls", "-l", f"/proc/{emulated.service_pid()}/fd")


def test_what_is_over_the_limit_is_counted(emulated: Emulated) -> None:
    emulated.options("--rate-limit=100/3600")
    emulated.run("systemctl", "restart", "udsd.service")
    emulated.run(*emulated.program("send_numbered", "--count=150", "limited"), user="nobody")
    emulated.run("systemctl", "stop", "udsd.service")  # delivers what is queued
    assert emulated.messages() == [b"limited %d" % number for number in range(100)]
    reports = [entry for entry in emulated.journal("_SYSTEMD_UNIT=udsd.service") if "UDSD_DROPPED" in entry]
    assert sum(int(entry["UDSD_DROPPED"]) for entry in reports) == 50
    emulated.options()


def test_done_stops_the_service(emulated: Emulated) -> None:
    emulated.run("udsd-send", "wakes it")
    emulated.run("systemctl", "start", "udsd.service")  # waits until it is up
    pid = str(emulated.service_pid())
    emulated.run("udsd-send", "DONE", user="nobody")
    emulated.run(*emulated.program("until_exit", pid, "udsd-send", "DONE"))
    assert emulated.show("udsd.service", "Result") == "success"
    assert emulated.show("udsd.socket", "ActiveState") == "active"
    assert emulated.messages() == [b"wakes it", b"DONE"]


@pytest.mark.minutes_emulated
def test_restarts_under_load_lose_and_repeat_nothing(emulated: Emulated) -> None:
    emulated.options("--rate-limit=off")
    with load(emulated) as under_way:
        for _ in range(5):
            emulated.run("systemctl", "restart", "udsd.service")
    check(emulated, under_way)


@pytest.mark.minutes_emulated
def test_what_was_sent_before_a_shutdown_is_stored(emulated: Emulated) -> None:
    boot = emulated.text("cat", "/proc/sys/kernel/random/boot_id").replace("-", "")
    emulated.run(*emulated.program("send_numbered", "--count=500", "before"))
    emulated.reboot()
    assert emulated.messages() == [b"before %d" % number for number in range(500)]
    (bye,) = [entry for entry in emulated.journal(f"_BOOT_ID={boot}", "--unit=udsd") if "UDSD_RECEIVED" in entry]
    assert bye["UDSD_RECEIVED"] == bye["UDSD_STORED"]
    emulated.run("udsd-send", "after the boot")
    emulated.wait_for("MESSAGE=after the boot")
