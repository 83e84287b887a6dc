"""Images: folders with Debian and the packages that a test needs, made on the first run and kept.

1. One root of each suite is bootstrapped, with what Debian itself needs. An image is a copy of it, in which the
   packages are installed: a few seconds instead of twenty.
2. Each package is downloaded once: the images of a suite share the folder of downloads.
3. The images of one suite are made one after the other, those of different suites side by side, also by several
   processes at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path("/var/cache/udsd-tests")

SUITES = ("bookworm", "trixie", "sid")
OPTIONAL = ("sid",)  # may be impossible to bootstrap while its mirror is in transition

# What a minimal machine has; and besides what udsd depends on, so that installing it needs no network.
BARE = ("systemd", "systemd-sysv", "dbus")
READY = (*BARE, "python3", "python3-systemd", "python3-daemon", "procps", "util-linux")

# Besides that, users have service managers of their own.
USERS = (*READY, "libpam-systemd", "dbus-user-session")

# Besides that, the programs by which others log.
CLIENTS = (*READY, "bsdutils", "busybox", "netcat-openbsd", "perl", "rsyslog", "socat")

# Room for what the tests store. Rate limits stay as Debian ships them: lifting them is the package's business.
_JOURNALD = "[Journal]\nStorage=volatile\nRuntimeMaxUse=3G\nRuntimeMaxFiles=1000\n"

# Images are made anew when this changes.
_WAY = "copied from a minimal root, which shares its downloads"

# A mirror's snapshot may be older than its own date of expiry.
_UNTIL = "Acquire::Check-Valid-Until"
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes", f"--option={_UNTIL}=false")
_INSTALL = (*_APT, "--no-install-recommends", "--option=Dpkg::Options::=--force-unsafe-io", "install")


# What apt has downloaded, and where it has it.
_DOWNLOADS = {"lists": "var/lib/apt/lists", "archives": "var/cache/apt/archives"}


class BootstrapError(Exception):
    """An image could not be made; the text is what was said meanwhile."""


def image(suite: str, packages: Sequence[str]) -> Path:
    """The folder of an image with these packages, made now or on an earlier day."""
    folder = CACHE / f"{suite}-{_key(suite, packages, _JOURNALD)}"
    with cache_locked(suite):
        if not folder.exists():
            _make(suite, packages, folder)
    return folder


@contextmanager
def cache_locked(name: str) -> Iterator[None]:
    """Nobody else who gives this name makes anything in the cache while this is entered."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copied(source: Path, target: Path) -> None:
    """Copy an image with all that its files have, into a folder that may be there already."""
    subprocess.run(["cp", "--archive", "--reflink=auto", "--no-target-directory", source, target], check=True)


def nspawn(folder: Path, *, volatile: bool = True) -> list[str]:
    """The words that run a command in a root, which keeps nothing of it if it is volatile."""
    layer = ["--volatile=overlay"] if volatile else []
    return ["systemd-nspawn", f"--directory={folder}", *layer, "--register=no", "--keep-unit"]


def nspawn_environment() -> dict[str, str]:
    """The environment for that, on any host."""
    # Hosts with a cgroup hierarchy of the old kind: trixie wants to be asked twice, sid wants the new kind.
    return {**os.environ, "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1", "UNIFIED_CGROUP_HIERARCHY": "1"}


def _key(*parts: object) -> str:
    return hashlib.sha256(repr((*parts, _WAY)).encode()).hexdigest()[:12]


def _make(suite: str, packages: Sequence[str], folder: Path) -> None:
    """Make an image. A half-made one has another name, and is in nobody's way."""
    unfinished = _unfinished(folder)
    if packages[: len(READY)] == READY != packages:
        ready = CACHE / f"{suite}-{_key(suite, READY, _JOURNALD)}"
        if not ready.exists():
            _make(suite, READY, ready)
        copied(ready, unfinished)
    else:
        copied(_root(suite), unfinished)
    binds = [f"--bind={_downloads(suite) / name}:/{where}" for name, where in _DOWNLOADS.items()]
    inside = [*nspawn(unfinished, volatile=False), "--quiet", "--pipe", "--suppress-sync=yes", *binds]
    try:
        _succeed([*inside, *_INSTALL, *packages])
    except BootstrapError:  # the lists may be of an earlier day, and what they name gone
        _succeed([*inside, *_APT, "update"])
        _succeed([*inside, *_INSTALL, *packages])
    # As mmdebstrap leaves it: what each machine has of its own is made when it boots.
    for name in ("etc/resolv.conf", "var/lib/dbus/machine-id"):
        (unfinished / name).unlink(missing_ok=True)
    if "systemd" in packages:
        (unfinished / "etc/machine-id").write_text("")
        settings = unfinished / "etc/systemd/journald.conf.d"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "tests.conf").write_text(_JOURNALD)
    unfinished.rename(folder)


def _root(suite: str) -> Path:
    """The minimal root of a suite."""
    folder = CACHE / f"{suite}-{_key(suite)}"
    if not folder.exists():
        unfinished = _unfinished(folder)
        bootstrap = ["mmdebstrap", "--variant=minbase", "--skip=cleanup/apt"]
        _succeed([*bootstrap, f'--aptopt={_UNTIL} "false"', suite, str(unfinished)])
        shutil.rmtree(_downloads(suite), ignore_errors=True)
        for name, where in _DOWNLOADS.items():
            shutil.copytree(unfinished / where, _downloads(suite) / name)
            shutil.rmtree(unfinished / where)
            (unfinished / where / "partial").mkdir(parents=True)
        unfinished.rename(folder)
    return folder


def _downloads(suite: str) -> Path:
    return CACHE / f"{suite}-downloads"


def _unfinished(folder: Path) -> Path:
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    return unfinished


def _succeed(words: list[str]) -> None:
    made = subprocess.run(
        words,
        env=nspawn_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise BootstrapError(f"{' '.join(words)}: {made.stdout[-2000:]}")
