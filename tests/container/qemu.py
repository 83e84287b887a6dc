"""A computer that QEMU emulates: the process, the word that it has booted, and the connection by which commands enter.

1. It boots a disk of `disks`, and what it writes goes with it.
2. It says on its second serial port when it is up: nothing is polled.
3. It can be reached from this host alone, by SSH on a port of its own, and reaches nothing.
4. One connection is shared by all commands (ControlMaster of ssh_config(5)): each costs what starting ssh costs.
"""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.container.disks import UNITS, Disk

_MEMORY = 2048  # MiB
_UP_SECONDS = 300
_OFF_SECONDS = 120

_SETTINGS = (
    *("root=/dev/vda", "rw", "console=ttyS0", "quiet", "net.ifnames=0", "systemd.unit=multi-user.target"),
    "systemd.mask=serial-getty@ttyS0.service",
    *(f"systemd.wants={unit}" for unit in UNITS),
)


class Qemu:
    """A computer that is up. `ssh` are the words that run a shell command in it as root."""

    def __init__(self, disk: Disk, folder: Path, listening: socket.socket) -> None:
        self._disk = disk
        self._folder = folder
        self._port = _free_port()
        self._control = folder / "ssh"
        self.process = self._start()
        with ExitStack() as failed:
            failed.callback(self._kill)
            self._up = self._accept(listening)
            failed.callback(self._up.close)
            self._wait_until_up()
            self._connect()
            failed.pop_all()
        self.ssh = (*self._client(), "root@127.0.0.1", "--")

    def _start(self) -> "subprocess.Popen[bytes]":
        disk, folder = self._disk, self._folder
        words: list[str | Path] = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(_MEMORY)),
            *("-nodefaults", "-display", "none"),
            *("-kernel", disk.kernel, "-initrd", disk.initrd, "-append", " ".join(_SETTINGS)),
            *("-drive", f"file={disk.file},if=virtio,format=raw,snapshot=on"),
            *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self._port}-:22"),
            *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
            *("-serial", f"file:{folder}/console", "-serial", f"unix:{folder}/up"),
        ]
        with open(folder / "qemu", "wb") as said:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)

    def _accept(self, listening: socket.socket) -> BinaryIO:
        """Its second serial port."""
        try:
            up, _ = listening.accept()
        except TimeoutError:
            raise self._not_up() from None
        with up:
            up.settimeout(_UP_SECONDS)
            return up.makefile("rb")

    def _wait_until_up(self) -> None:
        try:
            said = self._up.readline()
        except TimeoutError:
            said = b""
        if said.strip() != b"up":
            raise self._not_up()

    def _not_up(self) -> Exception:
        shown = "".join((self._folder / name).read_text(errors="replace") for name in ("qemu", "console"))
        return RuntimeError(f"the machine did not come up:\n{shown[-4000:]}")

    def _client(self) -> tuple[str, ...]:
        return ("ssh", "-F", "none", "-q", "-S", str(self._control))

    def _connect(self) -> None:
        words = [
            *(*self._client(), "-M", "-N", "-i", str(self._disk.key), "-p", str(self._port), "-l", "root"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo connected"),
            "127.0.0.1",
        ]
        with open(self._folder / "connection", "wb") as said:
            self._master = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        assert self._master.stdout is not None
        if self._master.stdout.readline() != b"connected\n":
            self._master.communicate()
            raise RuntimeError(f"no connection to the machine: {(self._folder / 'connection').read_text()}")

    def _disconnect(self) -> None:
        self._master.kill()
        self._master.communicate()
        self._control.unlink(missing_ok=True)

    def reboot(self) -> None:
        """Shut the machine down and boot it again; its disk stays."""
        self._systemctl("reboot")
        self._wait_until_up()
        self._disconnect()
        self._connect()

    def power_off(self) -> None:
        """Shut the machine down."""
        self._systemctl("poweroff")
        self.process.wait(_OFF_SECONDS)

    def _systemctl(self, verb: str) -> None:
        # The connection may be gone before the answer.
        subprocess.run([*self.ssh, f"systemctl {verb}"], stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def close(self) -> None:
        """End what runs on the host."""
        self._disconnect()
        self._up.close()
        self._kill()

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running(disk: Disk, folder: Path) -> Iterator[Qemu]:
    """A computer that is up when this is entered, and gone when it is left. `folder` is empty, and its own."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "up"))
        listening.listen()
        listening.settimeout(_UP_SECONDS)
        qemu = Qemu(disk, folder, listening)
    try:
        yield qemu
        qemu.power_off()
    finally:
        qemu.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
