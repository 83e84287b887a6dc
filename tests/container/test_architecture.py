"""The commands of packaging/doc/architecture.md, as somebody types them who changes udsd.

Those of `tests/run` only say which tests they would run, since this is one of them. The fuzzer and the comparison are
shorter than on the page.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.source import TOP

_PAGE = (TOP / "packaging/doc/architecture.md").read_text()


def commands() -> list[str]:
    block = re.search(r"^```sh\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    assert block
    return [line.partition("  #")[0].strip() for line in block[1].splitlines()]


def run(*words: str, cwd: Path = TOP) -> str:
    """Run a command to its end; all that it prints. It has to succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "UDSD_TESTS"))}
    done = subprocess.run(words, cwd=cwd, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("command", [command for command in commands() if command.startswith("tests/run")])
def test_the_command_finds_tests(command: str) -> None:
    assert re.search(r"^\d+(/\d+)? tests collected", run(*shlex.split(command), "--collect-only", "-q"), re.MULTILINE)


def test_the_fuzzer_runs() -> None:
    (command,) = [command for command in commands() if command.startswith("tests/fuzz/run")]
    assert " 600 " in command
    assert re.search(r"^=+ 1 passed", run(*shlex.split(command.replace(" 600 ", " 1 "))), re.MULTILINE)


def test_the_graph_of_imports_is_printed() -> None:
    assert "`python3 -m tests.source` prints the graph" in _PAGE
    assert re.search(r"^daemon .* imports .*receive", run("python3", "-m", "tests.source"), re.MULTILINE)


def test_the_benchmark_explains_itself() -> None:
    (command,) = [command for command in commands() if command.startswith("tests/bench/run")]
    assert run(*shlex.split(command)).startswith("usage: ")


def test_two_checkouts_are_compared(tmp_path: Path) -> None:
    (command,) = [command for command in commands() if "tests.bench.compare" in command]
    shutil.copytree(TOP / "udsd", tmp_path / "udsd")
    printed = run(*shlex.split(command.replace("../old", str(tmp_path))), "--rounds=1")
    rows = re.findall(r"^\| (\S.*?) +\|", printed, re.MULTILINE)
    assert rows[0] == "figure"
    assert len(rows) > 5


def test_the_hook_keeps_what_ruff_refuses_out_of_a_commit(tmp_path: Path) -> None:
    (command,) = [command for command in commands() if command.startswith("git")]
    shutil.copytree(TOP / "packaging/hooks", tmp_path / "packaging/hooks")
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    module = tmp_path / "module.py"
    run("git", "init", "--quiet", cwd=tmp_path)
    run(*shlex.split(command), cwd=tmp_path)
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "--message=x"]
    module.write_text('"""A module."""\nimport os\n')
    run("git", "add", ".", cwd=tmp_path)
    refused = subprocess.run(commit, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert refused.returncode != 0
    assert b"F401" in refused.stdout
    module.write_text('"""A module."""\n')
    run("git", "add", ".", cwd=tmp_path)
    run(*commit, cwd=tmp_path)
