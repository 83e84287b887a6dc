"""Fixtures: the package built from this checkout, and machines that have it installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.machines import (
    OPTIONAL,
    READY,
    SUITES,
    BootstrapError,
    Machine,
    booted,
    build_package,
    image,
    install,
)

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout."""
    return build_package(_CHECKOUT, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """Each suite in turn, its image made."""
    name: str = request.param
    try:
        image(name, READY)
    except BootstrapError as error:
        if name not in OPTIONAL:
            raise
        pytest.skip(f"{name} cannot be bootstrapped from its mirror now, so it was NOT tested: {error}")
    return name


@pytest.fixture
def machine(suite: str, package: Path) -> Iterator[Machine]:
    """A freshly booted machine with udsd installed: the socket listens, the service has not been started."""
    with booted(suite, READY) as fresh:
        install(fresh, package)
        yield fresh
