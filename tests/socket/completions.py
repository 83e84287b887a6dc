"""What the completions of a program know, asked of bash and read from the files of zsh and fish."""

import re
import subprocess
from collections.abc import Sequence

from tests.socket.sending import environ
from tests.source import TOP

FOLDER = TOP / "packaging/completions"

_BASH = """
source "$0"
compopt() { :; }  # bash has it only while it completes
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"_${1//-/_}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def options_of_help(command: Sequence[str]) -> set[str]:
    """All options that `--help` of a program tells."""
    told = subprocess.run([*command, "--help"], cwd=TOP, env=environ({}), stdout=subprocess.PIPE, text=True, check=True)
    return set(re.findall(r"(?<![\w-])(-[A-Za-z]|--[a-z-]+)\b", told.stdout))


def bash(program: str, *words: str) -> set[str]:
    """What bash completes the last word to, behind these."""
    done = subprocess.run(
        ["bash", "--norc", "-c", _BASH, FOLDER / f"{program}.bash", program, *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environ({"XDG_RUNTIME_DIR": "/nonexistent"}),
    )
    return set(done.stdout.split("\n")) - {""}


def zsh_options(program: str) -> set[str]:
    """Of what `_arguments` is told: -x or --xx, maybe in braces, less `=`, `+` and `-`, which say how values follow."""
    text = (FOLDER / f"_{program}").read_text()
    specs = re.findall(r"^ {4}'(?:\([^)]*\)|\*)?(?:'\{([^}]*)\}'|(-[^\[]*))\[", text, re.MULTILINE)
    return {option.rstrip("=+-") for spec in specs for option in (spec[0] or spec[1]).split(",")}


def fish_options(program: str) -> set[str]:
    text = (FOLDER / f"{program}.fish").read_text()
    found = set()
    for line in re.findall(rf"^complete -c {program} (.*)$", text, re.MULTILINE):
        told = line.partition(" -d ")[0]
        found |= {f"-{letter}" for letter in re.findall(r"-s (\w)\b", told)}
        found |= {f"--{name}" for name in re.findall(r"-l ([\w-]+)", told)}
    return found
