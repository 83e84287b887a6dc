"""The examples of udsd.client(3) in languages that every machine with Debian has, and the types of those in Python."""

import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import structlog

from tests.client_page import SOCKET, check_that_an_example_sent_to, examples
from tests.socket.sending import bound
from tests.source import TOP


def command(language: str, code: str) -> list[str]:
    if language == "SHELL":
        return [sys.executable, "-m", "udsd.send", *shlex.split(code)[1:]]
    return [*{"PYTHON": [sys.executable, "-c"], "Perl": ["perl", "-e"]}[language], code]


@pytest.mark.parametrize(
    ("language", "code"), [(name, code) for name in ("PYTHON", "SHELL", "Perl") for code in examples(name)]
)
def test_an_example_sends_its_message_and_fields(path: Path, language: str, code: str) -> None:
    with bound(path) as receiver:
        words = command(language, code.replace(SOCKET, str(path)))
        environment = {"UDSD_SOCKET": str(path), "PYTHONPATH": str(TOP), "PATH": "/usr/bin:/bin"}
        subprocess.run(words, env=environment, check=True)
        check_that_an_example_sent_to(receiver)


@pytest.mark.parametrize(
    "command", [["mypy", "--strict", "--python-executable"], ["pyright", "--pythonpath"]], ids=["mypy", "pyright"]
)
def test_type_checkers_take_the_examples(tmp_path: Path, command: list[str]) -> None:
    """Where udsd is installed: they read its annotations there because of py.typed."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "udsd").symlink_to(TOP / "udsd")
    (site / "structlog").symlink_to(Path(structlog.__file__).parent)
    code = tmp_path / "code"
    code.mkdir()
    (code / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    for number, example in enumerate(examples("PYTHON")):
        (code / f"example{number}.py").write_text(example)
    done = subprocess.run(
        [*command, environment / "bin/python", "."], cwd=code, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
