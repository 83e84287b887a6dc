"""The completions of `udsd` know its options: all that `--help` tells, and no other."""

import re
import subprocess
import sys

import pytest

from tests.socket.sending import environ
from tests.source import TOP

FOLDER = TOP / "packaging/completions"

_BASH = """
source "$0"
compopt() { :; }  # bash has it only while it completes
COMP_WORDS=(udsd "$@") COMP_CWORD=$#
_udsd
printf '%s\\n' "${COMPREPLY[@]}"
"""


def options_of_help() -> set[str]:
    command = [sys.executable, "-m", "udsd", "--help"]
    told = subprocess.run(command, cwd=TOP, env=environ({}), stdout=subprocess.PIPE, text=True, check=True)
    options = set(re.findall(r"(?<![\w-])(-[A-Za-z]|--[a-z-]+)\b", told.stdout))
    assert {"--listen", "--rate-limit", "--help", "-h"} <= options
    return options


def bash(*words: str) -> set[str]:
    """What bash completes the last word to, behind these."""
    command = ["bash", "--norc", "-c", _BASH, str(FOLDER / "udsd.bash"), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environ({}))
    return set(done.stdout.split("\n")) - {""}


def zsh_options() -> set[str]:
    text = (FOLDER / "_udsd").read_text()
    specs = re.findall(r"^ {4}'(?:\([^)]*\)|\*)?(?:'\{([^}]*)\}'|(-[^\[]*))\[", text, re.MULTILINE)
    return {option.rstrip("=") for spec in specs for option in (spec[0] or spec[1]).split(",")}


def fish_options() -> set[str]:
    found = set()
    for line in re.findall(r"^complete -c udsd (.*)$", (FOLDER / "udsd.fish").read_text(), re.MULTILINE):
        told = line.partition(" -d ")[0]
        found |= {f"-{letter}" for letter in re.findall(r"-s (\w)\b", told)}
        found |= {f"--{name}" for name in re.findall(r"-l ([\w-]+)", told)}
    return found


def test_each_shell_completes_the_options_of_help() -> None:
    told = options_of_help()
    assert bash("-") == told
    assert zsh_options() == told
    assert fish_options() == told


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--rate"], {"--rate-limit"}),
        (["--sink", "=", "c"], {"console"}),
        (["--rate-limit", "o"], {"off"}),
        (["--stop-from", "roo"], {"root"}),
        (["--output", f"{TOP}/LIC"], {f"{TOP}/LICENSE"}),
        (["--mode", "-"], set()),
    ],
)
def test_bash_completes_what_options_take(words: list[str], completed: set[str]) -> None:
    assert bash(*words) == completed
