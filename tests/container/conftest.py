"""Fixtures: the package built from this checkout, and machines that have it installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container import emulated as emulation
from tests.container.disks import disk
from tests.container.images import READY, SUITES, image
from tests.container.machines import Machine, booted, build_package, install, with_package
from tests.container.needs import made_once, make_image
from tests.source import TOP


def _all_emulated(config: pytest.Config) -> bool:
    return str(config.getoption("--machines")) == "emulated"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _all_emulated(config):
        slow = [item for item in items if item.get_closest_marker("minutes_emulated")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
        return
    able = [item for item in items if {"machine", "emulated", "victim"} & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in able])
    for item in able:
        if marker := item.get_closest_marker("containers_only"):
            item.add_marker(pytest.mark.skip(reason=f"in containers only: {marker.args[0]}"))
    items[:] = able


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "emulated" in metafunc.fixturenames:
        # A boot takes half a minute: one kernel will do, the one that differs most from that of the host.
        suites = SUITES if _all_emulated(metafunc.config) else SUITES[:1]
        metafunc.parametrize("emulated", suites, indirect=True, scope="module")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout."""
    (package,) = made_once(tmp_path_factory, "package", lambda folder: build_package(TOP, folder)).glob("*.deb")
    return package


@pytest.fixture(scope="session")
def own_kernel(request: pytest.FixtureRequest) -> bool:
    """Whether each test is to run on the kernel of its suite."""
    return _all_emulated(request.config)


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """Each suite in turn, its image made."""
    name: str = request.param
    make_image(name, READY, disk if _all_emulated(request.config) else image)
    return name


@pytest.fixture
def machine(
    request: pytest.FixtureRequest, suite: str, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A freshly booted machine with udsd installed: the socket listens, the service has not been started."""
    if _all_emulated(request.config):
        with emulation.booted(suite, READY) as fresh:
            install(fresh, package)
            yield fresh
        return
    # Installed once and not for each of some hundred machines. test_package.py installs it on machines that run.
    root = made_once(
        tmp_path_factory, f"installed-{suite}", lambda folder: with_package(image(suite, READY), package, folder)
    )
    with booted(suite, READY, root=root) as fresh:
        fresh.mark()
        yield fresh


@pytest.fixture(scope="module")
def emulated(request: pytest.FixtureRequest, package: Path) -> Iterator[emulation.Emulated]:
    """A machine with the kernel of its suite and udsd installed, for all tests of a module."""
    make_image(request.param, READY, disk)
    with emulation.booted(request.param, READY) as fresh:
        install(fresh, package)
        yield fresh
