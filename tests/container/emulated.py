"""Machines with a kernel of their own, emulated by QEMU: what differs between kernels shows here.

Containers share the host's kernel. These boot the kernel of their Debian: 6.1 for bookworm, 6.12 for trixie, and for
sid a newer one. They have the words of `machines.Machine`, so a test runs on either kind, with these differences:

- All is emulated, so that KVM is not needed: a boot takes half a minute, and programs are some ten times slower.
- Commands come in by one SSH connection. They run in no unit, as in a container: in the root of the control groups.
- `shared` is copied in before a command runs. Nothing comes back, and no FIFO joins the two sides.
- A process inside has no number on the host.
"""

import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.container.disks import disk
from tests.container.machines import PROGRAMS, Machine
from tests.container.qemu import Qemu, running


class Emulated(Machine):
    """A booted machine. `leader` is the emulator: the host sees none of the processes inside."""

    slower = 20
    queue_length = 65_536  # set by the package

    def __init__(self, suite: str, qemu: Qemu, shared: Path) -> None:
        super().__init__(suite, qemu.process.pid, shared)
        self._qemu = qemu
        self._numbers = count()
        self._pid_files: dict[int, str] = {}  # by the process of ssh
        self._copied: dict[Path, int] = {}
        self.copy_in(PROGRAMS, "/programs")

    def command(self, *words: str, user: str = "root") -> list[str]:
        """The words that run a command inside, for subprocess; `user` gets its primary group and no other."""
        return self._remote("", *self.bare(user), *words)

    def _remote(self, first: str, *words: str) -> list[str]:
        self._copy_shared()
        # One string, for a shell: that is all that ssh passes on.
        return [*self._qemu.ssh, f"{first}echo $$ >/sys/fs/cgroup/cgroup.procs; exec {shlex.join(words)}"]

    def start(self, *words: str, user: str = "root") -> "subprocess.Popen[bytes]":
        """Start a command inside and leave it running."""
        pid_file = f"/run/tests-{next(self._numbers)}.pid"
        started = subprocess.Popen(
            self._remote(f"echo $$ >{pid_file}; ", *self.bare(user), *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._pid_files[started.pid] = pid_file
        return started

    def _signal(self, started: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        if started.poll() is None:
            # It may not have begun yet, of which only the file tells.
            file = self._pid_files[started.pid]
            wait = f"until [ -s {file} ]; do sleep 0.05; done"
            self.run("sh", "-c", f"{wait}; kill -{number.value} $(cat {file})", status=None)

    def host_pid(self, pid: int) -> int:
        raise AssertionError(f"{pid}: only the processes of a container have a number on the host")

    def reboot(self) -> None:
        """Shut it down and boot it again, with its disk as it is; what was started is gone."""
        self._qemu.reboot()

    def copy_in(self, folder: Path, target: str, names: Sequence[str] = (".",)) -> None:
        """Copy files of a folder of the host into a folder inside, which is made if need be."""
        tar = ["tar", "--create", "--owner=0", "--group=0", "--exclude=__pycache__", f"--directory={folder}", *names]
        packed = subprocess.run(tar, stdout=subprocess.PIPE, check=True)
        unpack = f"mkdir -p {target} && tar --extract --touch --directory={target}"
        subprocess.run([*self._qemu.ssh, unpack], input=packed.stdout, check=True)

    def _copy_shared(self) -> None:
        found = {path: path.lstat().st_mtime_ns for path in self.shared.iterdir()}
        if changed := [path.name for path, at in found.items() if self._copied.get(path) != at]:
            self.copy_in(self.shared, "/host", changed)
        self._copied = found


@contextmanager
def booted(suite: str, packages: Sequence[str]) -> Iterator[Emulated]:
    """A fresh machine, up when this is entered and gone when it is left."""
    with (
        tempfile.TemporaryDirectory(prefix="udsd-machine-") as folder,
        tempfile.TemporaryDirectory(prefix="udsd-shared-") as shared,
        running(disk(suite, packages), Path(folder)) as qemu,
    ):
        yield Emulated(suite, qemu, Path(shared))
