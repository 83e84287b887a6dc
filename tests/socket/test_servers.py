"""Servers of several processes, with the packages that applications use: restarts of udsd lose nothing that they log.

The test holds udsd's socket as systemd does, and passes it to one udsd after the other.
"""

import itertools
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.socket.daemons import activate
from tests.socket.sending import bound, fill
from tests.source import TOP

WORKERS = 4
RECORDS = 20  # of one request

# Its keep-alive also bounds how long a client may take from connecting to its request.
_GUNICORN = ["gunicorn", "--preload", f"--workers={WORKERS}", "--bind=fd://0", f"--keep-alive={SECONDS:.0f}"]
_SERVERS = {
    **{
        f"gunicorn-{kind}": [*_GUNICORN, f"--worker-class={kind}", "tests.socket.servers:app"]
        for kind in ("sync", "gevent", "eventlet")
    },
    **{kind: ["tests.socket.servers", kind, str(WORKERS)] for kind in ("plain", "uvloop")},
}


class Requests:
    """Clients that send requests until they are stopped. Each request has the server log records of its own."""

    def __init__(self, path: Path) -> None:
        self.answered: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self._path = str(path)
        self._over = threading.Event()
        self._numbers = itertools.count(0, RECORDS)
        self._threads = [threading.Thread(target=self._ask) for _ in range(2 * WORKERS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over.is_set():
            first = next(self._numbers)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(self._path)
                connection.sendall(b"GET /%d-%d HTTP/1.0\r\n\r\n" % (first, first + RECORDS))
                with connection.makefile("rb") as response:
                    head, _, body = response.read().partition(b"\r\n\r\n")
            assert head.split()[1] == b"200", head
            self.answered.put((first, body))

    def end(self) -> None:
        """Let each have its last answer."""
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def serving(kind: str, path: Path, udsd: Path) -> Iterator[None]:
    with bound(path, socket.SOCK_STREAM) as listener:
        listener.listen(64)
        listener.setblocking(True)  # also for the server, which shares this
        server = subprocess.Popen(
            [sys.executable, "-m", *_SERVERS[kind]],
            cwd=TOP,
            env={**os.environ, "UDSD_SOCKET": str(udsd)},
            stdin=listener.fileno(),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield
        finally:
            server.terminate()
            try:
                _, errors = server.communicate(timeout=SECONDS)
            finally:
                if server.returncode is None:
                    os.killpg(server.pid, signal.SIGKILL)
                    _, errors = server.communicate()
                sys.stderr.write(errors.decode())  # pytest shows it where the test fails
        assert (server.returncode, b"Logging error" in errors) == (0, False)


def end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.terminate()
    daemon.communicate(timeout=SECONDS)


@pytest.mark.parametrize("kind", _SERVERS)
def test_restarts_of_udsd_lose_nothing_that_a_server_logs(kind: str, path: Path, tmp_path: Path) -> None:
    pids: set[bytes] = set()
    asked: list[int] = []
    output = tmp_path / "output"

    def until_answered(count: int) -> None:
        for _ in range(count):
            first, pid = requests.answered.get(timeout=SECONDS)
            asked.append(first)
            pids.add(pid)

    with bound(path) as held, ExitStack() as daemons:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

        def start() -> "subprocess.Popen[bytes]":
            daemon = activate(held.fileno(), options=("--rate-limit=off", f"--output={output}"))
            daemons.callback(end, daemon)
            return daemon

        daemon = start()
        with serving(kind, tmp_path / "http", path):
            requests = Requests(tmp_path / "http")
            try:
                for _ in range(5):
                    until_answered(20)
                    end(daemon)
                    fill(str(path))  # so that the workers wait
                    until_answered(requests.answered.qsize())
                    daemon = start()
                while len(pids) < WORKERS:
                    until_answered(1)
            finally:
                requests.end()
        end(daemon)
    until_answered(requests.answered.qsize())
    stored = Counter(int(number) for number in re.findall(r": record (\d+)$", output.read_text(), re.MULTILINE))
    assert stored == Counter(number for first in asked for number in range(first, first + RECORDS))
    assert len(pids) == WORKERS
