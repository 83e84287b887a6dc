"""The recipes of containers.md, as they stand there, with podman on a machine that has udsd."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.container.clients import AUTO
from tests.container.images import READY, image
from tests.container.machines import Machine, booted, install
from tests.container.needs import make_image
from tests.source import TOP

pytestmark = pytest.mark.one_machine

_SUITE = "trixie"
_HOST = (*READY, "podman", "crun", "podman-compose", "catatonit", "systemd-container")
# What the images are made from, instead of those of a registry; udsd's own Containerfile installs nothing more then.
_BASE = ("python3", "python3-systemd")
_PAGE = (TOP / "packaging/doc/containers.md").read_text()

# A machine of nspawn has no control groups with limits, and may neither raise its limits nor set sysctls.
_PODMAN = """
[engine]
stop_timeout = 1
[containers]
netns = "host"
pids_limit = 0
default_sysctls = []
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


# The image is the cache of the tests, and stays as it is. Without -U, which would change the owners of device nodes.
_VOLATILE = """
[Service]
ExecStart=
ExecStart=systemd-nspawn --quiet --keep-unit --boot --network-veth --settings=override --machine=%i --volatile=overlay
"""

# The networks that podman-compose makes need more of a machine than nspawn gives.
_COMPOSE = """
services:
  myapp:
    network_mode: host
"""

# Pods have networks of their own, which this machine cannot make either.
_NETWORK = ("kube play", "kube play --network host")

# The logger of the images: a sender, also one that is root, can neither remove the socket nor put its own in its place.
_LOGGER = """#!/bin/sh
if rm /run/udsd/udsd.sock || touch /run/udsd/own.sock; then
    exit 1
fi
exec /usr/bin/logger "$@"
"""
_REMOVE_IN_MACHINE = (
    "systemd-run --machine=web --wait --pipe --quiet rm /run/udsd/udsd.sock 2>&1 | grep 'Read-only file system'"
)

# test_daemons.py has Postfix itself with these settings.
_SERVICE = (
    "printf '[Service]\\nExecStart=sh -c \"logger hello from a service; exec sleep infinity\"\\n'"
    " >/run/systemd/system/postfix.service"
)

_CONTAINER = r"libpod-[0-9a-f]{64}\.scope"


class Recipe(NamedTuple):
    """A heading or the name of a file, the message that its commands have sent, and the unit that the entry names.

    Without a unit, it is not udsd on the host that has the message. `first` and `last` are commands that are run before
    and after.
    """

    heading: str
    message: str
    unit: str = ""
    first: str = ":"
    last: str = ":"


_RECIPES = [
    Recipe("A program in a container", "hello from a container", _CONTAINER),
    Recipe("A program that only knows /dev/log", "hello from dev-log", _CONTAINER),
    Recipe("A service of the host, over /dev/log", "hello from a service", "postfix.service", _SERVICE),
    Recipe("A whole machine", "hello from a machine", "systemd-nspawn@web.service", last=_REMOVE_IN_MACHINE),
    Recipe("A container that systemd starts", "hello from a Quadlet", "myapp.service"),
    Recipe("udsd in a container, without the journal", "hello to a sidecar"),
    Recipe("compose.yaml", "hello from compose"),
    Recipe("Kubernetes", "hello from a pod", _CONTAINER, "systemctl stop udsd.socket udsd.service"),
]


@pytest.fixture(scope="module")
def host(package: Path) -> Iterator[Machine]:
    """A machine with udsd and podman, the images that the recipes start from, and the root of a machine."""
    for packages in (_HOST, _BASE, READY):
        make_image(_SUITE, packages)
    binds = [
        "--tmpfs=/var/lib/containers:mode=0755",  # there is no overlay over an overlay
        "--capability=CAP_NET_ADMIN",
        "--system-call-filter=add_key keyctl bpf",
        f"--bind-ro={TOP}:/sources",
        f"--bind-ro={image(_SUITE, _BASE)}:/base",
        f"--bind-ro={image(_SUITE, READY)}:/var/lib/machines/web",
    ]
    with booted(_SUITE, _HOST, binds=binds) as machine:
        install(machine, package)
        machine.run("tee", "/etc/containers/containers.conf", stdin=_PODMAN.encode())
        logger = machine.shared / "image/usr/local/bin/logger"
        logger.parent.mkdir(parents=True)
        logger.write_text(_LOGGER)
        logger.chmod(0o755)
        layers = "tar -C /base -c . -C /host/image ./usr/local/bin/logger"
        machine.run("sh", "-c", f"{layers} | podman import - docker.io/library/debian:stable-slim")
        machine.run("podman", "tag", "debian:stable-slim", "localhost/myapp")
        machine.drop_in("volatile", _VOLATILE, "systemd-nspawn@web.service")
        machine.run("systemctl", "start", "udsd.service")
        machine.run("mkdir", "/work")
        machine.run("tee", "/work/compose.override.yaml", stdin=_COMPOSE.encode())
        machine.run("cp", "--recursive", "/sources/systemd", "/sources/packaging", "/sources/udsd", "/work")
        yield machine


def commands(heading: str) -> list[str]:
    """The commands of the first block below a heading, or below the link to a file."""
    section = re.search(rf"^(?:## |.*\[){re.escape(heading)}(?:$|\].*$)", _PAGE, re.MULTILINE)
    assert section, heading
    block = re.search(r"^```sh\n(.*?)^```$", _PAGE[section.end() :], re.MULTILINE | re.DOTALL)
    assert block, heading
    return block[1].splitlines()


@pytest.mark.parametrize("recipe", _RECIPES, ids=lambda recipe: recipe.heading)
def test_the_commands_of_a_recipe_show_the_message_and_its_entry_names_the_container(
    host: Machine, recipe: Recipe
) -> None:
    host.run("sh", "-c", recipe.first)
    host.mark()
    for command in commands(recipe.heading):
        shows = command.startswith(("journalctl", "podman logs", "podman-compose logs"))
        if shows:
            host.wait_for(f"--grep={recipe.message}$")
        shown = host.text("bash", "-c", f"cd /work && {command.replace(*_NETWORK)}")
        assert not shows or re.search(rf" \w+(\[\d+\])?: {recipe.message}$", shown, re.MULTILINE), shown
    entries = host.journal(f"MESSAGE={recipe.message}", f"UDSD_SOCKET={AUTO}")
    host.run("sh", "-c", recipe.last)
    units = [entry.get("OBJECT_SYSTEMD_UNIT", b"none").decode() for entry in entries]
    assert len(units) == bool(recipe.unit)
    assert all(re.fullmatch(recipe.unit, unit) for unit in units), entries


def test_without_root_the_socket_alone_is_dev_log(host: Machine) -> None:
    (option,) = re.findall(r"Without root in the container, use `--volume (.*?)` alone", _PAGE)
    run = ["podman", "run", "--rm", "--user=2000", f"--volume={option}", "localhost/myapp", "sh", "-c"]
    host.run("systemctl", "start", "udsd.socket")
    host.mark()
    host.run(*run, "logger hello without root; sleep 1")
    host.wait_for("MESSAGE=hello without root", f"UDSD_SOCKET={AUTO}")
