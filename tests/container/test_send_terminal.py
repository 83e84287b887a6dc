"""`udsd-send` as somebody uses it in a shell: the installed completions, in the shells themselves."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import READY
from tests.container.machines import Machine, booted, install
from tests.patience import SECONDS
from tests.socket.terminal import Terminal

pytestmark = pytest.mark.one_machine

# What Debian's own files leave to the user, and a prompt to wait for.
_BASH = "PS1='ready> '\n"
_ZSH = "autoload -Uz compinit && compinit -u\nPROMPT='ready> '\n"


@pytest.fixture(scope="module")
def with_shells(package: Path) -> Iterator[Machine]:
    with booted("trixie", (*READY, "bash-completion", "zsh", "fish")) as machine:
        install(machine, package)
        machine.run("tee", "/root/.bash_profile", stdin=_BASH.encode())
        machine.run("tee", "/root/.zshrc", stdin=_ZSH.encode())
        yield machine


@pytest.fixture
def server(with_shells: Machine) -> Iterator[socket.socket]:
    """A server that the machine sees as /host/there.sock."""
    path = with_shells.shared / "there.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(SECONDS)
        yield listening
    path.unlink()


@pytest.mark.parametrize("shell", ["bash -il", "zsh -il"], ids=["bash", "zsh"])
def test_the_shell_completes_a_command_that_works(shell: str, with_shells: Machine, server: socket.socket) -> None:
    words = with_shells.command("script", "--quiet", "--command", f"env TERM=xterm {shell}", "/dev/null")
    with Terminal(*words) as terminal:
        terminal.until(b"ready> ")
        terminal.type("udsd-send --ra\t1000 -p loca\t0.er\t-F CODE_FI\ta.c -u /host/there.s\t--no-w\thello\r")
        assert server.recv(1000) == b'<131>1 - - - - - [journal@0 CODE_FILE="a.c"] hello'
        terminal.until(b"ready> ")
        terminal.type("udsd-send -p local0.e\t\t")
        terminal.until(b"local0.emerg" if shell.startswith("bash") else b"emerg")
        terminal.until(b"err")


@pytest.mark.parametrize(
    ("line", "completed"),
    [("--ra", {"--rate"}), ("-p local0.e", {"local0.emerg", "local0.err"}), ("-u /host/the", {"/host/there.sock"})],
)
def test_fish_completes(line: str, completed: set[str], with_shells: Machine, server: socket.socket) -> None:
    said = with_shells.text("fish", "--command", f"complete --do-complete 'udsd-send {line}'")
    assert {told.partition("\t")[0] for told in said.splitlines()} == completed
