"""The completions of `udsd-send` know its options: all that `--help` tells, and no other."""

from pathlib import Path

import pytest

from tests.socket.completions import bash, fish_options, options_of_help, zsh_options
from tests.socket.sending import CLIENT
from tests.source import TOP


def told() -> set[str]:
    options = options_of_help(CLIENT)
    assert {"-p", "--priority", "--no-wait", "--help", "-V"} <= options
    return options


def test_bash_completes_the_options_of_help() -> None:
    assert bash("udsd-send", "-") == told()


def test_zsh_completes_the_options_of_help() -> None:
    assert zsh_options("udsd-send") == told()


def test_fish_completes_the_options_of_help() -> None:
    assert fish_options("udsd-send") == told()


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
    assert bash("udsd-send", *words) == completed


def test_bash_completes_sockets_and_files_with_blanks(tmp_path: Path) -> None:
    (tmp_path / "a b.sock").touch()
    assert bash("udsd-send", "-u", f"{tmp_path}/a") == {f"{tmp_path}/a b.sock"}
