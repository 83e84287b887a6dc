"""The sdist and the wheel, for those who have no Debian package: in a clean virtual environment, with PyPI."""

import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.container.images import image
from tests.container.machines import run_in_root
from tests.source import TOP
from udsd import __version__

pytestmark = pytest.mark.one_machine

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

# What the README names for this: systemd-python is compiled.
_NEEDS = ("python3-venv", "gcc", "pkg-config", "libsystemd-dev", "python3-dev")

_USE = """
udsd --version
udsd-send --version
udsd --sink=console --listen /tmp/udsd.sock &
until [ -S /tmp/udsd.sock ]; do sleep 0.1; done
udsd-send -u /tmp/udsd.sock hello
udsd-send -u /tmp/udsd.sock DONE
wait $!
"""


@pytest.fixture(scope="module")
def root() -> Path:
    return image("bookworm", _NEEDS)


def in_environment(root: Path, out: Path, command: str) -> str:
    """What a command prints in a virtual environment that has nothing but pip yet."""
    binds = [f"--bind-ro={TOP}:/source", f"--bind={out}:/out"]
    if _CERTIFICATES.exists():  # where the host reaches PyPI through a proxy with a certificate of its own
        binds += [f"--bind-ro={_CERTIFICATES}:/certificates", "--setenv=PIP_CERT=/certificates"]
    start = "set -e; python3 -m venv /tmp/clean; PATH=/tmp/clean/bin:$PATH; cd /"
    return run_in_root(root, f"{start}\n{command}", binds=binds)


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has both."""
    out = tmp_path_factory.mktemp("dist")
    build = "cp -r /source /tmp/udsd; pip install --quiet build; python -m build --outdir /out /tmp/udsd"
    in_environment(root, out, build)
    return out


def test_the_sdist_has_what_its_readme_names(built: Path) -> None:
    with tarfile.open(built / f"udsd-{__version__}.tar.gz") as sdist:
        files = {name.partition("/")[2] for name in sdist.getnames()}
        readme = sdist.extractfile(f"udsd-{__version__}/README.md")
        assert readme
        named = set(
            re.findall(r"(?<![\w/])(?:packaging|systemd|tests)/[\w./@-]*\w|\bLICENSE\b", readme.read().decode())
        )
    assert "packaging/quickstart" in named
    assert named <= files
    source = (file for folder in ("udsd", "systemd", "packaging") for file in (TOP / folder).rglob("*"))
    assert {str(file.relative_to(TOP)) for file in source if "__pycache__" not in file.parts} <= files


def test_the_wheel_has_the_package_and_its_two_programs(built: Path) -> None:
    with zipfile.ZipFile(built / f"udsd-{__version__}-py3-none-any.whl") as wheel:
        files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    modules = {str(module.relative_to(TOP)) for module in (TOP / "udsd").rglob("*.py")}
    programs = {f"udsd-{__version__}.data/scripts/{name}" for name in ("udsd", "udsd-send")}
    assert files == modules | programs | {"udsd/py.typed"}


@pytest.mark.parametrize("name", [f"udsd-{__version__}.tar.gz", f"udsd-{__version__}-py3-none-any.whl"])
def test_pip_install_is_enough(root: Path, built: Path, name: str) -> None:
    said = in_environment(root, built, f"pip install --quiet '/out/{name}[daemon]'\n{_USE}")
    assert f"udsd {__version__}\nudsd-send {__version__}\n" in said
    assert re.search(r"^\w{3} \d\d .*: hello$", said, re.MULTILINE), said


def test_a_program_that_only_sends_needs_no_compiler(tmp_path: Path) -> None:
    """From a checkout, where there are neither compiler nor headers. The daemon says what to install."""
    none = '[ -z "$(command -v cc gcc pkg-config)" ]'
    install = f"{none}; cp -r /source /tmp/udsd; cd /tmp/udsd; pip install --quiet .; cd /"
    use = "python -c 'from udsd import client, handler'; udsd-send --version; udsd --sink=console 2>&1 || echo ended $?"
    said = in_environment(image("bookworm", ("python3-venv",)), tmp_path, f"{install}\n{use}")
    assert f"udsd-send {__version__}\n" in said
    assert "udsd: the daemon needs the Python library systemd-python\n" in said
    assert "udsd: install python3-systemd with apt, or udsd[daemon] with pip\nended 69\n" in said
