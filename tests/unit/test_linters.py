"""Linters and types, run as tests so that one command says all."""

import ast
import re
import subprocess
import sys

import pytest

from tests.source import FILES, LAYERS, TOP, edges, imports
from udsd import __version__

# What the client loads: nothing of the daemon, and of Python nothing that costs.
_CLIENT = {"__init__", "address", "connection", "errors", "send", "send.cli"}


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["ruff-check", "ruff-format", "mypy"]
)
def test_clean(command: list[str]) -> None:
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CHANGELOG.md", r"\n## ([\d.]+)\n"),
        ("debian/changelog", r"udsd \(([\d.]+)\)"),
        ("rpm/udsd.spec", r"\nVersion: +([\d.]+)\n"),
        ("rpm/udsd.spec", r"\n%changelog\n.* - ([\d.]+)-"),
        ("arch/PKGBUILD", r"\npkgver=([\d.]+)\n"),
    ],
)
def test_all_packages_have_the_version(file: str, pattern: str) -> None:
    found = re.search(pattern, (TOP / "packaging" / file).read_text())
    assert found
    assert found[1] == __version__, file


def test_imports_go_one_way() -> None:
    graph = {module: imports(module) for module in FILES}
    while graph:
        leaves = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert leaves, f"these import each other in a circle: {sorted(graph)}"
        for name in leaves:
            del graph[name]


def test_packages_import_one_way() -> None:
    assert {package: needs - LAYERS[package] for package, needs in edges().items()} == {name: set() for name in LAYERS}


def test_tests_share_helpers_and_not_test_modules() -> None:
    for path in (TOP / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests."):
                last = node.module.rpartition(".")[2]
                assert not last.startswith(("test_", "conftest")), f"{path} imports from {node.module}"


def test_the_client_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import udsd.send.cli; print(*set(sys.modules) - before)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(TOP)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    ours = {name.partition(".")[2] or "__init__" for name in loaded if name.partition(".")[0] == "udsd"}
    assert ours == _CLIENT
    assert {name for name in loaded if name.partition(".")[0] != "udsd"} <= {"_socket", "errno"}
