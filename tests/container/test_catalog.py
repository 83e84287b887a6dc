"""What `journalctl --catalog` says beside each message of udsd, in the situation that the message is about."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import READY
from tests.container.machines import Machine, booted, install
from tests.container.needs import make_image
from tests.patience import SECONDS
from tests.source import TOP
from udsd.journal import log as messages
from udsd.journal.log import Message

pytestmark = pytest.mark.one_machine

_CATALOG = TOP / "systemd" / "udsd.catalog"

_METRICS = (*READY, "python3-prometheus-client", "prometheus-node-exporter")  # the image of test_metrics.py


def explained(machine: Machine, kind: Message) -> str:
    """The messages of this kind as an admin sees them, with what is said beside them."""
    machine.run("journalctl", "--sync")
    return machine.text("journalctl", "--no-pager", "--catalog", machine.since, match(kind))


def match(kind: Message) -> str:
    return f"MESSAGE_ID={kind.message_id.decode()}"


def subjects() -> dict[str, str]:
    """What our catalog says first, by MESSAGE_ID."""
    return dict(re.findall(r"^-- (\w{32})\nSubject: (.*)$", _CATALOG.read_text(), re.MULTILINE))


def check(machine: Machine, kind: Message, *texts: str, **fields: str) -> None:
    """The messages of this kind are there, with these texts and with what the catalog says of the kind."""
    shown = explained(machine, kind)
    subject = subjects()[kind.message_id.decode()]
    for name, value in fields.items():
        assert f"@{name}@" in subject
        subject = subject.replace(f"@{name}@", value)
    for text in (f" Subject: {subject}\n", " Defined-By: udsd\n", " Documentation: man:udsd(8)", *texts):
        assert text in shown, f"{machine.suite}: {text!r} is not in\n{shown}"


def until_said(machine: Machine, *words: str, text: str) -> None:
    """Run a command until it prints this: journald cannot tell when it is away."""
    deadline = time.monotonic() + SECONDS
    while text not in machine.text(*words, status=None):
        assert time.monotonic() < deadline, f"{machine.suite}: {' '.join(words)} does not say {text!r}"


@pytest.fixture
def with_metrics(suite: str, package: Path) -> Iterator[Machine]:
    make_image(suite, _METRICS)
    with booted(suite, _METRICS) as machine:
        install(machine, package)
        yield machine


def test_each_message_is_explained(with_metrics: Machine) -> None:
    machine = with_metrics
    machine.options("--rate-limit=5/1", "--metrics=/run/udsd.prom")

    # Started, and too much from one unit, which is still there afterwards.
    machine.run("systemctl", "start", "udsd.service")
    machine.wait_for(match(messages.STARTED))
    check(machine, messages.STARTED, "receiving on /run/udsd/udsd.sock\n")
    many = "python3 /programs/send_numbered.py --count=20 much; exec sleep infinity"
    machine.run("systemd-run", "--quiet", "--unit=greedy", "sh", "-c", many)
    machine.wait_for(match(messages.OVER_LIMIT))
    dropped = 20 - len(machine.messages())
    limit = "its limit of 5 datagrams and 32 MiB in 1 s: the excess is dropped and counted\n"
    check(
        machine,
        messages.LIMIT_REACHED,
        f"greedy.service has reached {limit}",
        " journalctl OBJECT_SYSTEMD_UNIT=greedy.service\n",
        UDSD_ACCOUNT="greedy.service",
    )
    check(
        machine,
        messages.OVER_LIMIT,
        f"{dropped} datagrams of greedy.service dropped, over the limit of 5 datagrams and 32 MiB in 1 s\n",
        f" udsd dropped {dropped} datagrams of greedy.service, which had sent as much\n",
        " journalctl OBJECT_SYSTEMD_UNIT=greedy.service\n",
        UDSD_ACCOUNT="greedy.service",
    )

    # The counters, and a file for them in a folder that the service may not write.
    machine.wait_for(match(messages.METRICS_FAILED))
    check(machine, messages.METRICS_FAILED, "metrics: /run/udsd.prom: Read-only file system\n")
    machine.run("systemctl", "kill", "--signal=USR1", "udsd.service")
    machine.wait_for(match(messages.STATISTICS))
    check(machine, messages.STATISTICS, UDSD_STATISTICS_OF="/run/udsd/udsd.sock")

    # Stopped: by somebody who may not, by somebody who may, and by systemd.
    machine.run("udsd-send", "DONE", user="nobody")
    machine.wait_for(match(messages.DONE_REFUSED))
    uid = machine.text("id", "--user", "nobody")
    check(machine, messages.DONE_REFUSED, f": DONE from uid {uid}, pid ", " --stop-from in\n")
    machine.run(*machine.program("until_exit", str(machine.service_pid()), "udsd-send", "DONE"))
    machine.run("systemctl", "start", "udsd.service")
    machine.run("systemctl", "stop", "udsd.service")
    check(machine, messages.STOPPED, "stopped by DONE from uid 0, pid ", "stopped by SIGTERM: ")

    # journald away and back.
    machine.run("systemctl", "start", "udsd.service")
    with machine.without_journald():
        machine.run("udsd-send", "waits")
        machine.wait_for_status("=waiting for journald (")
    machine.wait_for(match(messages.SINK_BACK))
    check(machine, messages.SINK_AWAY, "journald takes no entries (")
    check(machine, messages.SINK_BACK, "journald takes entries again after ")


def test_what_is_left_in_the_end_is_explained(machine: Machine) -> None:
    path, err = "/run/own.sock", "/run/own.err"
    own = ["--property=Type=notify", f"--property=StandardError=file:{err}", "udsd", "--listen", path]
    machine.run("systemd-run", "--quiet", "--unit=own", *own)
    machine.wait_for(f"MESSAGE=receiving on {path}")

    with machine.without_journald():
        machine.run("udsd-send", "-u", path, "too late")
        machine.run("rm", path)
        machine.run("touch", path)
        machine.run("systemctl", "kill", "--signal=TERM", "own.service")  # a stop must end before journald starts
        until_said(machine, "cat", err, text="too late")  # in the end it gives up waiting
    machine.wait_for(match(messages.UNDELIVERED))
    check(machine, messages.FILE_LEFT, f"{path} was not removed: it is not the one that udsd made\n")
    check(machine, messages.STOPPED, "stopped by SIGTERM: ")
    check(machine, messages.UNDELIVERED, "printed to standard error: 1\n")
    assert machine.messages() == []
