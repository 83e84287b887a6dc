"""The README's commands, on a machine with nothing but systemd on it, in a copy of this checkout."""

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.container.machines import Machine
from tests.container.picture import same, session, shown_in_picture, with_checkout
from tests.source import TOP

pytestmark = pytest.mark.one_machine

_README = (TOP / "README.md").read_text()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def bare(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with with_checkout(request.param) as machine:
        yield machine


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
    (quickstart,) = commands("Set up")
    shown = bare.text("sh", "-c", f"cd /host/udsd && {quickstart}")
    assert re.search(r"^    MESSAGE=hello from quickstart, ", shown, re.MULTILINE)
    assert re.search(r"^    OBJECT_UID=0$", shown, re.MULTILINE)
    assert bare.show("udsd.socket", "ActiveState") == "active"
    lines = session(bare, [line for line in shown.splitlines() if line.startswith("== ")])
    # journalctl shows the fields of an entry in no certain order.
    assert sorted(same(lines)) == sorted(same(shown_in_picture()))


def test_the_commands_of_use_do_what_they_say(bare: Machine) -> None:
    bare.mark()
    for command in commands("Use"):
        bare.run("sh", "-c", f"cd /host/udsd && {command}")
    bare.wait_for("MESSAGE=the backup is done")
    bare.wait_for("MESSAGE=from Python")
    shell, python, logged = bare.datagrams("VOLUME=/srv")
    for entry in shell, python:
        assert (entry["MESSAGE"], entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == (b"no space left", b"4", b"backup")
    assert (logged["MESSAGE"], logged["PRIORITY"]) == (b"no space left on /srv", b"3")
    bare.run("dpkg-query", "--show", "udsd", status=1)  # the last one has removed it


@pytest.mark.parametrize("bare", ["trixie"], indirect=True)  # it takes minutes
def test_the_fast_part_of_the_tests_passes(bare: Machine) -> None:
    assert commands("Work on udsd") == ["tests/run"]
    # The whole of it boots machines, which a machine in a machine cannot; .ci/run runs it.
    assert re.search(r"^=+ .*\d+ passed.* =+$", bare.text("sh", "-c", "cd /host/udsd && tests/run unit"), re.MULTILINE)
