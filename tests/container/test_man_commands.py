"""The commands of the man pages, each as it stands there, but for those of TROUBLESHOOTING and of the client's page.

Those have tests of their own. `journalctl` may find nothing; any other failure is a mistake in the page.
"""

import os
import re
import subprocess

import pytest

from tests.container.machines import Machine
from tests.patience import MACHINE_SECONDS
from tests.source import TOP

_PAGES = TOP / "packaging/man"
_NO_COMMANDS = ("SECURITY", "JSON", "TROUBLESHOOTING")  # what stands apart there is a table, or has a test of its own
_RUNS_ON = "udsd --sink console "  # in the foreground; DONE ends it
_DETACHES = "udsd --detach "  # where systemd has no socket

_ABSTRACT = f"@myapp{os.getpid()}"  # machines that run side by side have one network name space

# What a page supposes to be there.
_BEFORE = "mkdir -p /run/myapp && touch import.log last.log && systemctl start udsd-format@json.socket"
_OTHERS = ("--listen=/run/myapp/log.sock", f"--listen={_ABSTRACT}")


def commands(page: str) -> list[str]:
    """All commands of a page, a line each."""
    found: list[str] = []
    for section in re.split(r"^# ", (_PAGES / f"{page}.scd").read_text(), flags=re.MULTILINE)[1:]:
        if not section.startswith(_NO_COMMANDS):
            for block in re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
                found += [] if block.startswith("[") else block.replace("|\n", "|").splitlines()
    return [command.replace("@myapp", _ABSTRACT) for command in found]


@pytest.mark.parametrize("page", ["udsd.8", "udsd-send.1", "udsd.fields.7"])
def test_each_command_of_a_page_can_be_run(machine: Machine, page: str) -> None:
    machine.run("sh", "-euc", _BEFORE)
    others = receives(machine, "udsd", "--sink=console", *_OTHERS)
    machine.run("udsd-send", "something to be found")
    machine.wait_for("MESSAGE=something to be found")
    try:
        run_all(machine, commands(page))
    finally:
        machine.stop(others)


def run_all(machine: Machine, found: list[str]) -> None:
    assert found
    for command in found:
        if command.startswith(_RUNS_ON):
            started = receives(machine, *command.split())
            machine.run("udsd-send", "-u", "/tmp/text.sock", "DONE")
            said, _ = started.communicate()
            assert started.returncode == 0, said
            continue
        if command.startswith(_DETACHES):
            machine.run("systemctl", "stop", "udsd.socket")
        ran = machine.run("bash", "-uc", command, status=None)
        found_nothing = command.startswith("journalctl") and ran.returncode == 1 and not ran.stderr
        assert ran.returncode == 0 or found_nothing, (command, ran.returncode, ran.stdout, ran.stderr)
        if command.startswith(_DETACHES):
            machine.run("udsd-send", "DONE")
            ended = "while [ -e /run/udsd.pid ]; do sleep 0.05; done"
            machine.run("timeout", str(MACHINE_SECONDS), "sh", "-c", ended)
            machine.run("systemctl", "start", "udsd.service")


def receives(machine: Machine, *words: str) -> "subprocess.Popen[bytes]":
    """Start a daemon in the foreground; it has its sockets when it says so."""
    started = machine.start(*words)
    assert started.stdout is not None
    assert b" receiving on " in started.stdout.readline()
    return started
