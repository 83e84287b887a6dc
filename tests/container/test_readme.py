"""The README's commands, on a machine with nothing but systemd on it, in a copy of this checkout."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import BARE
from tests.container.machines import Machine, booted
from tests.source import TOP

pytestmark = pytest.mark.one_machine

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_README = (TOP / "README.md").read_text()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def bare(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with booted(request.param, BARE) as machine:
        left = shutil.ignore_patterns(".git", ".*_cache", "__pycache__", "dist", "build")
        shutil.copytree(TOP, machine.shared / "udsd", ignore=left)
        trust_as_the_host_does(machine)
        yield machine


def trust_as_the_host_does(machine: Machine) -> None:
    """Where the host reaches PyPI through a proxy with a certificate of its own, the machine does too."""
    if _CERTIFICATES.exists():
        shutil.copy(_CERTIFICATES, machine.shared)
        machine.run("tee", "/etc/pip.conf", stdin=f"[global]\ncert = /host/{_CERTIFICATES.name}\n".encode())


def commands(heading: str) -> list[str]:
    """The commands of the code blocks below a heading: each a line of a shell, or a block of Python."""
    section = re.search(rf"^## {heading}$(.*?)^## ", _README, re.MULTILINE | re.DOTALL)
    assert section, f"the README has no heading {heading!r}"
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert blocks, f"the README has no commands below {heading!r}"
    found: list[str] = []
    for language, block in blocks:
        lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
        found += lines if language == "sh" else [shlex.join(["python3", "-c", block])]
    return found


def test_the_first_command_sets_up_udsd_and_shows_an_entry(bare: Machine) -> None:
    quickstart, tests = commands("Set up")
    shown = bare.text("sh", "-c", f"cd /host/udsd && {quickstart}")
    assert re.search(r"^    MESSAGE=hello from quickstart, ", shown, re.MULTILINE)
    assert re.search(r"^    OBJECT_UID=0$", shown, re.MULTILINE)
    assert bare.show("udsd.socket", "ActiveState") == "active"
    assert tests == "tests/run"


def test_the_commands_of_use_do_what_they_say(bare: Machine) -> None:
    for command in commands("Use"):
        bare.run("sh", "-c", f"cd /host/udsd && {command}")
    bare.wait_for("MESSAGE=the backup is done")
    bare.wait_for("MESSAGE=from Python")
    shell, python, logged = bare.datagrams("VOLUME=/srv")
    for entry in shell, python:
        assert (entry["MESSAGE"], entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == (b"no space left", b"4", b"backup")
    assert (logged["MESSAGE"], logged["PRIORITY"]) == (b"no space left on /srv", b"3")


@pytest.mark.parametrize("bare", ["trixie"], indirect=True)  # it takes minutes
def test_the_fast_part_of_the_second_command_passes(bare: Machine) -> None:
    # The whole of it boots machines, which a machine in a machine cannot; .ci/run runs it.
    assert re.search(r"^=+ .*\d+ passed.* =+$", bare.text("sh", "-c", "cd /host/udsd && tests/run unit"), re.MULTILINE)
