"""Fixtures: the package built from this checkout, and machines that have it installed."""

from collections.abc import Iterator, Sequence
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
    make_image(name, READY)
    return name


def make_image(suite: str, packages: Sequence[str]) -> None:
    """Make an image, or skip the tests that want it if this suite cannot always be had."""
    try:
        image(suite, packages)
    except BootstrapError as error:
        if suite not in OPTIONAL:
            raise
        pytest.skip(f"{suite} cannot be bootstrapped from its mirror now, so it was NOT tested: {error}")


@pytest.fixture
def machine(suite: str, package: Path) -> Iterator[Machine]:
    """A freshly booted machine with udsd installed: the socket listens, the service has not been started."""
    with booted(suite, READY) as fresh:
        install(fresh, package)
        yield fresh
