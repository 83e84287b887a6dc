"""Starting `udsd-send` as a process, and servers for it that only receive."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.patience import SECONDS
from tests.source import TOP

CLIENT = [sys.executable, "-m", "udsd.send"]

# With a /run of the test's own, in a mount name space of its own.
_OWN_RUN = 'mount --bind "$0" /run && exec "$@"'


def bound(path: str | Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    """A server: a socket with a name, and nothing more."""
    server = socket.socket(socket.AF_UNIX, kind)
    server.settimeout(SECONDS)
    server.bind(str(path))
    return server


def received(server: socket.socket) -> list[bytes]:
    """All that is in the server's queue."""
    found = []
    while select.select([server], [], [], 0)[0]:
        found.append(server.recv(1 << 20))
    return found


def fill(path: str) -> None:
    """Fill the queue of a server. It may take several senders: each also has a limit of its own."""
    sent = 1
    while sent:
        sent = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(BlockingIOError):
            sender.setblocking(False)
            sender.connect(path)
            while True:
                sender.send(b"")
                sent += 1


def environ(environment: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **environment}


def run(command: list[str | bytes], lines: bytes = b"", **environment: str) -> tuple[int, str]:
    """Exit status and standard error."""
    done = subprocess.run(
        command, cwd=TOP, env=environ(environment), input=lines, capture_output=True, timeout=SECONDS, check=False
    )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


def send(*words: str | bytes, lines: bytes = b"", **environment: str) -> tuple[int, str]:
    """Exit status and standard error of a client with these words, and these lines as standard input."""
    return run([*CLIENT, *words], lines, **environment)


def send_with_run(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """The same, where `folder` is what the client sees as /run."""
    return run(["unshare", "--mount", "sh", "-c", _OWN_RUN, str(folder), *CLIENT, *words], b"", **environment)


@contextmanager
def started(
    *words: str, before: Sequence[str] = (), own_group: bool = False, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A client whose standard input is a pipe that stays open; `before` are the words in front of the command."""
    with subprocess.Popen(
        [*before, *CLIENT, *words],
        process_group=0 if own_group else None,
        cwd=TOP,
        env=environ(environment),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def write(process: subprocess.Popen[bytes], lines: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(lines)


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Close its standard input; exit status and standard error."""
    _, stderr = process.communicate(timeout=SECONDS)
    return process.returncode, stderr.decode()
