"""Several machines on a network of their own: a bridge in a name space, and nothing that leads out of it.

1. A machine's disk is a layer in memory on top of an image, made here and not by nspawn: it outlives a reboot.
2. The interface of a machine is made for each boot, since each boot has its own network.
3. The link of a machine is cut at the bridge: the machine is not told more than by a real switch.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.container.images import READY, image
from tests.container.machines import Machine, booted, install
from tests.source import TOP

_SUITE = "trixie"
_NODE = (*READY, "systemd-journal-remote")
_COLLECTOR = (*_NODE, "nginx-light", "openssl")
_PAGE = TOP / "packaging/doc/fleet.md"

_NODES = ("node-1", "node-2")
_HOSTS = {"collector": "10.99.0.1", "node-1": "10.99.0.2", "node-2": "10.99.0.3"}


@contextmanager
def disk(suite: str, packages: Sequence[str]) -> Iterator[Path]:
    """A root of these packages that keeps what is written to it, until this is left."""
    with tempfile.TemporaryDirectory(prefix="udsd-disk-") as scratch:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8G,mode=0755", "udsd-disk", scratch], check=True)
        try:
            upper, work, root = (Path(scratch, name) for name in ("upper", "work", "root"))
            for folder in (upper, work, root):
                folder.mkdir()
            layers = f"lowerdir={image(suite, packages)},upperdir={upper},workdir={work}"
            subprocess.run(["mount", "-t", "overlay", "-o", layers, "udsd-disk", root], check=True)
            try:
                hosts = "".join(f"{address} {name}\n" for name, address in _HOSTS.items())
                (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
                (root / "etc/hostname").unlink(missing_ok=True)
                yield root
            finally:
                subprocess.run(["umount", root], check=True)
        finally:
            subprocess.run(["umount", scratch], check=True)


class Network:
    """The bridge that the machines are joined to."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _ip(self, words: str) -> None:
        subprocess.run(["ip", "-netns", self._name, *words.split()], check=True)

    def join(self, machine: Machine, name: str) -> None:
        """Give a machine, just booted, its interface and its address."""
        hardware = (
            f"02:00:00:00:00:{_HOSTS[name].rpartition('.')[2].zfill(2)}"  # as before a reboot: others remember it
        )
        # The kernel removes that of the last boot some time after the machine has ended.
        left = ["ip", "-netns", self._name, "link", "delete", name]
        subprocess.run(left, stderr=subprocess.DEVNULL, check=False)  # there may be none
        self._ip(f"link add {name} type veth peer name eth0 address {hardware} netns {machine.leader}")
        self._ip(f"link set {name} master bridge up")
        inside = ["nsenter", f"--target={machine.leader}", "--net", "ip"]
        subprocess.run([*inside, "address", "add", f"{_HOSTS[name]}/24", "dev", "eth0"], check=True)
        subprocess.run([*inside, "link", "set", "eth0", "up"], check=True)

    def carried(self, name: str) -> int:
        """Bytes that have gone over a machine's link, both ways."""
        words = ["ip", "-netns", self._name, "-json", "-statistics", "link", "show", "dev", name]
        (link,) = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
        return int(link["stats64"]["rx"]["bytes"]) + int(link["stats64"]["tx"]["bytes"])

    def cut(self, name: str) -> None:
        """Cut a machine's link."""
        self._ip(f"link set {name} nomaster down")

    def mend(self, name: str) -> None:
        """End what `cut` has begun."""
        self._ip(f"link set {name} master bridge up")


@contextmanager
def network() -> Iterator[Network]:
    name = f"udsd-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-netns", name, "link", "add", "bridge", "type", "bridge"], check=True)
        subprocess.run(["ip", "-netns", name, "link", "set", "bridge", "up"], check=True)
        yield Network(name)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


class Host:
    """A machine of the fleet, with a disk of its own, that can be rebooted: `machine` is its boot of now."""

    machine: Machine

    def __init__(self, name: str, root: Path, boot: Callable[[], AbstractContextManager[Machine]]) -> None:
        self.name = name
        self.root = root
        self._boot = boot
        self._running = ExitStack()

    def start(self) -> None:
        self.machine = self._running.enter_context(self._boot())

    def shut_down(self) -> None:
        self._running.close()

    def reboot(self) -> None:
        self.shut_down()
        self.start()


@dataclass(frozen=True)
class Fleet:
    collector: Host
    nodes: list[Host]
    network: Network


@contextmanager
def host(name: str, suite: str, packages: Sequence[str], joined: Network) -> Iterator[Host]:
    """A booted machine on the network, gone with its disk when this is left."""

    @contextmanager
    def boot() -> Iterator[Machine]:
        options = ("--private-network", f"--hostname={name}")
        with booted(suite, packages, binds=options, disk=root) as machine:
            joined.join(machine, name)
            yield machine

    with disk(suite, packages) as root:
        made = Host(name, root, boot)
        made.start()
        try:
            yield made
        finally:
            made.shut_down()


def commands(heading: str) -> list[str]:
    """The code blocks below a heading of fleet.md."""
    section = re.search(rf"^## {heading}$(.*?)(?:^## |\Z)", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"fleet.md has no heading {heading!r}"
    return re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)


def received(node: str) -> str:
    """For journalctl on the collector: what this node has sent."""
    return f"--directory=/var/log/journal/remote/{node}"


@contextmanager
def set_up(package: Path) -> Iterator[Fleet]:
    """Two nodes and a collector, set up as fleet.md says, with no rate limit of udsd."""
    for_collector, for_node = commands("Set up")
    with ExitStack() as stack:
        joined = stack.enter_context(network())
        collector = stack.enter_context(host("collector", _SUITE, _COLLECTOR, joined))
        nodes = [stack.enter_context(host(name, _SUITE, _NODE, joined)) for name in _NODES]
        for each in (collector, *nodes):
            install(each.machine, package)
        collector.machine.run("sh", "-euc", for_collector)
        for node in nodes:
            node.machine.run("mkdir", "/etc/fleet")
            copy = collector.machine.run("tar", "--create", f"--directory=/etc/fleet/{node.name}", ".").stdout
            node.machine.run("tar", "--extract", "--directory=/etc/fleet", stdin=copy)
            node.machine.run("sh", "-euc", for_node)
            # Not in /run, as Machine.options has it: it holds after a reboot too.
            node.machine.run("mkdir", "/etc/systemd/system/udsd.service.d")
            words = b"[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limit=off\n"
            node.machine.run("tee", "/etc/systemd/system/udsd.service.d/options.conf", stdin=words)
            node.machine.run("systemctl", "daemon-reload")
        yield Fleet(collector, nodes, joined)
