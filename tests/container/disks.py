"""Disks for emulated machines: Debian with the kernel that its suite ships, as a file system in a file.

Made from an image of `images` that has a kernel and sshd too, and kept beside it. What the tests need of such a
machine is added here: one network address, a key to come in with, and a line on its second serial port when it is up.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.container.images import CACHE, cache_locked, image

UNITS = ("tests-network.service", "tests-up.service")  # to be started at boot, on the kernel's command line

_KERNEL = ("linux-image-cloud-amd64", "udev", "kmod", "iproute2", "openssh-server")
_SIZE = "4G"  # of the file system; the file has holes
_KEY = CACHE / "emulated.key"

# The address is the only one that QEMU's network hands out.
_FILES = {
    "etc/systemd/system/tests-network.service": """\
[Unit]
DefaultDependencies=no
BindsTo=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip address add 10.0.2.15/24 dev eth0
ExecStart=ip link set eth0 up
""",
    "etc/systemd/system/tests-up.service": """\
[Unit]
After=multi-user.target ssh.service tests-network.service

[Service]
Type=oneshot
ExecStart=sh -c 'echo up >/dev/ttyS1'
""",
    # On the disk: a tenth of the memory, which is the room in /run, is too little for what the tests store.
    "etc/systemd/journald.conf.d/tests.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=3G\nSystemMaxFiles=1000\n",
    # No PAM: a session of logind would be one more unit that commands are in. Each command is a session of sshd.
    "etc/ssh/sshd_config.d/tests.conf": "UsePAM no\nMaxSessions 1000\nUseDNS no\nPrintMotd no\nPrintLastLog no\n",
}


class Disk(NamedTuple):
    """What QEMU boots, and the key for root's account."""

    file: Path
    kernel: Path
    initrd: Path
    key: Path


def disk(suite: str, packages: Sequence[str]) -> Disk:
    """A disk with these packages, made now or on an earlier day; never to be written to."""
    root = image(suite, (*packages, *_KERNEL))
    with cache_locked("disks"):
        if not _KEY.exists():
            _succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests of udsd", "-f", _KEY)
        files = {**_FILES, "root/.ssh/authorized_keys": _KEY.with_suffix(".key.pub").read_text()}
        version = hashlib.sha256(repr((files, _SIZE)).encode()).hexdigest()[:12]
        file = root.with_name(f"{root.name}-{version}.ext4")
        if not file.exists():
            _make(root, files, file)
    (kernel,) = root.glob("boot/vmlinuz-*")
    (initrd,) = root.glob("boot/initrd.img-*")
    return Disk(file, kernel, initrd, _KEY)


def _make(root: Path, files: dict[str, str], file: Path) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        (root / name).write_text(text)
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    _succeed("mke2fs", "-q", "-t", "ext4", "-d", root, unfinished, _SIZE)
    unfinished.rename(file)


def _succeed(*words: str | Path) -> None:
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
