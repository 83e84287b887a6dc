"""The completions of `udsd` know its options: all that `--help` tells, and no other."""

import sys

import pytest

from tests.socket.completions import bash, fish_options, options_of_help, zsh_options
from tests.source import TOP


def told() -> set[str]:
    options = options_of_help([sys.executable, "-m", "udsd"])
    assert {"--listen", "--rate-limit", "--help", "-h"} <= options
    return options


def test_each_shell_completes_the_options_of_help() -> None:
    options = told()
    assert bash("udsd", "-") == options
    assert zsh_options("udsd") == options
    assert fish_options("udsd") == options


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
    assert bash("udsd", *words) == completed
