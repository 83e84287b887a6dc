"""The completions of `udsd-send` know its options: all that `--help` tells, and no other."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.socket.sending import CLIENT, environ
from tests.source import TOP

FOLDER = TOP / "packaging/completions"

_BASH = """
source "$0"
compopt() { :; }  # bash has it only while it completes
COMP_WORDS=(udsd-send "$@") COMP_CWORD=$#
_udsd_send
printf '%s\\n' "${COMPREPLY[@]}"
"""


def options_of_help() -> set[str]:
    told = subprocess.run([*CLIENT, "--help"], cwd=TOP, env=environ({}), stdout=subprocess.PIPE, text=True, check=True)
    options = set(re.findall(r"(?<![\w-])(-[A-Za-z]|--[a-z-]+)\b", told.stdout))
    assert {"-p", "--priority", "--no-wait", "--help", "-V"} <= options
    return options


def bash(*words: str) -> set[str]:
    """What bash completes the last word to, behind these."""
    done = subprocess.run(
        ["bash", "--norc", "-c", _BASH, FOLDER / "udsd-send.bash", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environ({"XDG_RUNTIME_DIR": "/nonexistent"}),
    )
    return set(done.stdout.split("\n")) - {""}


def zsh_options() -> set[str]:
    """Of what `_arguments` is told: -x or --xx, maybe in braces, less `=`, `+` and `-`, which say how values follow."""
    text = (FOLDER / "_udsd-send").read_text()
    specs = re.findall(r"^ {4}'(?:\([^)]*\)|\*)?(?:'\{([^}]*)\}'|(-[^\[]*))\[", text, re.MULTILINE)
    return {option.rstrip("=+-") for spec in specs for option in (spec[0] or spec[1]).split(",")}


def fish_options() -> set[str]:
    text = (FOLDER / "udsd-send.fish").read_text()
    found = set()
    for line in re.findall(r"^complete -c udsd-send (.*)$", text, re.MULTILINE):
        told = line.partition(" -d ")[0]
        found |= {f"-{letter}" for letter in re.findall(r"-s (\w)\b", told)}
        found |= {f"--{name}" for name in re.findall(r"-l ([\w-]+)", told)}
    return found


def test_bash_completes_the_options_of_help() -> None:
    assert bash("-") == options_of_help()


def test_zsh_completes_the_options_of_help() -> None:
    assert zsh_options() == options_of_help()


def test_fish_completes_the_options_of_help() -> None:
    assert fish_options() == options_of_help()


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--ra"], {"--rate"}),
        (["hello", "--no"], {"--no-wait"}),
        (["-p", "local0.e"], {"local0.emerg", "local0.err"}),
        (["--priority", "=", "mail.w"], {"mail.warning"}),
        (["-p", "au"], {"auth.", "authpriv."}),
        (["-p", "de"], {"debug"}),
        (["-F", "CODE_L"], {"CODE_LINE="}),
        (["-F", "CODE_LINE", "=", "7"], set()),
        (["-f", f"{TOP}/LIC"], {f"{TOP}/LICENSE"}),
        (["--file", "=", f"{TOP}/LIC"], {f"{TOP}/LICENSE"}),
        (["-u", f"{TOP}/LIC"], {f"{TOP}/LICENSE"}),
        (["-t", "-"], set()),
        (["hel"], set()),
    ],
)
def test_bash_completes_what_options_take(words: list[str], completed: set[str]) -> None:
    assert bash(*words) == completed


def test_bash_completes_sockets_and_files_with_blanks(tmp_path: Path) -> None:
    (tmp_path / "a b.sock").touch()
    assert bash("-u", f"{tmp_path}/a") == {f"{tmp_path}/a b.sock"}
