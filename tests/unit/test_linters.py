"""Linters and types, run as tests so that one command says all."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

_TOP = Path(__file__).parents[2]
_MODULES = sorted((_TOP / "udsd").glob("*.py"))

# What the client loads: nothing of the daemon, and of Python nothing that costs.
_CLIENT = {"__init__", "address", "connection", "errors", "send"}


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["ruff-check", "ruff-format", "mypy"]
)
def test_clean(command: list[str]) -> None:
    done = subprocess.run(command, cwd=_TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imports(module: Path) -> set[str]:
    """The modules of this package that a module imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "udsd":
            names |= {alias.name for alias in node.names if (_TOP / f"udsd/{alias.name}.py").exists()}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("udsd."):
            names.add(node.module.removeprefix("udsd."))
    return names


def test_imports_go_one_way() -> None:
    graph = {module.stem: imports(module) for module in _MODULES}
    while graph:
        leaves = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert leaves, f"these import each other in a circle: {sorted(graph)}"
        for name in leaves:
            del graph[name]


def test_the_client_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import udsd.send; print(*set(sys.modules) - before)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(_TOP)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    ours = {name.partition(".")[2] or "__init__" for name in loaded if name.partition(".")[0] == "udsd"}
    assert ours == _CLIENT
    assert {name for name in loaded if name.partition(".")[0] != "udsd"} <= {"_socket", "errno"}
