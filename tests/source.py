"""The modules of the package and what they import: `python3 -m tests.source` prints the graph, package by package.

The one home of what tests ask about the source itself.
"""

import ast
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]

# Each package with the packages that its modules may import; "" are the modules beside them, which all share.
LAYERS = {
    "": {""},
    "journal": {""},
    "formats": {"", "journal"},
    "senders": {"", "journal"},
    "service": {"", "journal"},
    "metrics": {"", "journal"},
    "receive": {"", "formats", "service"},
    "daemon": {"", "formats", "journal", "metrics", "receive", "senders", "service"},
    "send": {""},
}


def _name(path: Path) -> str:
    parts = path.relative_to(TOP / "udsd").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Each module by its name within the package: `journal.entry`, `formats` for a package itself.
FILES = {_name(path): path for path in sorted((TOP / "udsd").rglob("*.py"))}


def imports(module: str) -> set[str]:
    """The modules of the package that a module imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "udsd":
            source = node.module.partition(".")[2]
            modules = {f"{source}.{alias.name}".lstrip(".") for alias in node.names} & FILES.keys()
            names |= modules or {source}
    return names


def package_of(module: str) -> str:
    """The package that a module is in: `journal` for `journal.entry`, nothing for a module beside the packages."""
    package = module.partition(".")[0]
    return package if package in LAYERS else ""


def edges() -> dict[str, set[str]]:
    """Each package with the packages that its modules import."""
    graph: dict[str, set[str]] = {package: set() for package in LAYERS}
    for module in FILES:
        if not module.endswith("__main__"):
            graph[package_of(module)] |= {package_of(name) for name in imports(module)} - {package_of(module)}
    return graph


def _print() -> None:
    for package, needs in edges().items():
        modules = [name for name in FILES if package_of(name) == package and not name.endswith("__main__")]
        lines = sum(len(FILES[name].read_text().splitlines()) for name in modules)
        shown = ", ".join(sorted(need or "shared" for need in needs)) or "nothing"
        sys.stdout.write(f"{package or 'shared':8} {len(modules):2} modules, {lines:4} lines, imports {shown}\n")
        names = sorted(name.rpartition(".")[2] or "__init__" for name in modules)
        sys.stdout.write(f"         {' '.join(names)}\n")


if __name__ == "__main__":
    _print()
