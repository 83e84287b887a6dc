"""The main job on the kernels that Debian ships, which differ in what they tell of a sender."""

import platform
import re

import pytest

from tests.container.emulated import Emulated
from tests.container.load import check, load

pytestmark = pytest.mark.one_process

_RELEASES = {"bookworm": "6.1.", "trixie": "6.12."}
_PASSPIDFD = (6, 5)  # the first Linux with SO_PASSPIDFD


@pytest.fixture(autouse=True)
def _fresh(emulated: Emulated) -> None:
    """The machine is one for all tests here: each sees only its own entries."""
    emulated.mark()


def version(machine: Emulated) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)\.", machine.kernel())
    assert found
    return int(found[1]), int(found[2])


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
        assert ("UDSD_SENDER_UNPROVEN" in entry) == (version(emulated) < _PASSPIDFD)


def test_done_stops_the_service(emulated: Emulated) -> None:
    emulated.run("udsd-send", "wakes it")
    emulated.run("systemctl", "start", "udsd.service")  # waits until it is up
    pid = str(emulated.service_pid())
    emulated.run("udsd-send", "DONE", user="nobody")
    emulated.run(*emulated.program("until_exit", pid, "udsd-send", "DONE"))
    assert emulated.show("udsd.service", "Result") == "success"
    assert emulated.show("udsd.socket", "ActiveState") == "active"
    assert emulated.messages() == [b"wakes it", b"DONE"]


def test_restarts_under_load_lose_and_repeat_nothing(emulated: Emulated) -> None:
    emulated.options("--rate-limit=off")
    with load(emulated) as under_way:
        for _ in range(5):
            emulated.run("systemctl", "restart", "udsd.service")
    check(emulated, under_way)


def test_what_was_sent_before_a_shutdown_is_stored(emulated: Emulated) -> None:
    boot = emulated.text("cat", "/proc/sys/kernel/random/boot_id").replace("-", "")
    emulated.run(*emulated.program("send_numbered", "--count=500", "before"))
    emulated.reboot()
    assert emulated.messages() == [b"before %d" % number for number in range(500)]
    (bye,) = [entry for entry in emulated.journal(f"_BOOT_ID={boot}", "--unit=udsd") if "UDSD_RECEIVED" in entry]
    assert bye["UDSD_RECEIVED"] == bye["UDSD_STORED"]
    emulated.run("udsd-send", "after the boot")
    emulated.wait_for("MESSAGE=after the boot")
