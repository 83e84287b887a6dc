"""Fixtures: daemons that are gone when the test is."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.socket.daemons import QUEUE_LENGTH, Daemon, Journald, Start


@pytest.fixture(autouse=True, scope="session")
def _queues_as_on_a_real_host() -> None:
    """A real host's systemd raises this when it boots; a bare kernel has 10. In a container only the host can."""
    length = Path("/proc/sys/net/unix/max_dgram_qlen")
    if int(length.read_text()) != QUEUE_LENGTH:
        length.write_text(f"{QUEUE_LENGTH}\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the daemon's socket is to be."""
    return tmp_path / "udsd.sock"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a daemon with these options and, unless `ready=False`, wait until it receives."""
    with ExitStack() as stack:
        started = 0

        def start(*options: str, ready: bool = True, journald: Path | None = None, **environment: str) -> Daemon:
            nonlocal started
            started += 1
            daemon = Daemon(*options, journald=journald, notify=tmp_path / f"notify{started}", **environment)
            stack.callback(daemon.close)
            if ready:
                daemon.until("READY=1")
            return daemon

        yield start


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    """A journald that records."""
    recorder = Journald(tmp_path / "journald")
    yield recorder
    recorder.close()
