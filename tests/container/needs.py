"""What tests need to be made: an image, or a skip where its suite cannot be had; and what one run makes once."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.container.images import OPTIONAL, BootstrapError, image


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that this run makes once, in whichever of its processes needs it first."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    run = Path(os.environ.get("UDSD_TESTS_RUN", run))  # tests/run removes it in the end
    folder = run / name
    with open(run / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = Path(tempfile.mkdtemp(dir=run, prefix=f"{name}-"))
            unfinished.chmod(0o755)
            make(unfinished)
            unfinished.rename(folder)
    return folder


def make_image(suite: str, packages: Sequence[str], make: Callable[[str, Sequence[str]], object] = image) -> None:
    """Make an image, or skip the tests that want it if this suite cannot always be had."""
    try:
        make(suite, packages)
    except BootstrapError as error:
        if suite not in OPTIONAL:
            raise
        pytest.skip(f"{suite} cannot be bootstrapped from its mirror now, so it was NOT tested: {error}")
