"""Machines for tests: Debian with a real systemd as PID 1, booted in a second with systemd-nspawn.

A machine is an image (images.py) with a layer in memory on top, so each machine is fresh and nothing that a test does
to it is left. What is worth knowing of them:

- PID 1 tells nspawn when it is up, and nspawn tells us (sd_notify(3)): nothing is polled. Where PID 1 is not systemd,
  what it starts last says READY=1 to /host/notify.
- Commands enter the machine's name spaces with nsenter; they run with a bare environment.
- Each machine has a control group of its own: two that share one take each other's units down.
- net.unix.max_dgram_qlen is what systemd sets on a real host, not what a bare kernel starts with.
"""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.container.images import SUITES, copied, image, nspawn, nspawn_environment
from tests.patience import BOOT_SECONDS, MACHINE_SECONDS

PROGRAMS = Path(__file__).parent / "programs"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Entry = dict[str, bytes]


def build_needs(source: Path) -> list[str]:
    """The packages that an image needs for `build_package`."""
    needs = subprocess.run([source / "packaging/build-deb", "--needs"], stdout=subprocess.PIPE, text=True, check=True)
    return needs.stdout.split()


def build_package(source: Path, target: Path, suite: str = SUITES[0], *, setting: str = ":") -> Path:
    """Build the Debian package of the checkout at `source` in a clean root of the suite; the .deb.

    The default is the oldest suite, whose package all can install. `setting` is shell code that comes first.
    """
    run_in_root(
        image(suite, build_needs(source)),
        f"{setting}; cp -r /source /tmp/udsd && /tmp/udsd/packaging/build-deb /target",
        binds=(f"--bind-ro={source}:/source", f"--bind={target}:/target"),
    )
    (package,) = target.glob("*.deb")
    return package


def run_in_root(folder: Path, command: str, *, binds: Sequence[str] = ()) -> str:
    """Run shell commands in a fresh copy of an image that is not booted; what they print. They must succeed.

    `binds` are options of systemd-nspawn.
    """
    return _run([*nspawn(folder), *binds], command)


def _run(root: Sequence[str], command: str) -> str:
    done = subprocess.run(
        [*root, "--quiet", "--pipe", "sh", "-c", f"exec 2>&1\n{command}"],
        env=nspawn_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,  # on standard error is what systemd-nspawn says
        text=True,
        check=False,
    )
    if done.returncode != 0:
        output = (done.stdout + done.stderr)[-8000:]
        raise AssertionError(f"{' '.join(root)}: {command}: exit status {done.returncode}\n{output}")
    return done.stdout


class Machine:
    """A booted machine, here a container. `shared` is a folder of the host that it sees as /host.

    `leader` is the host's process for it: its PID 1. `switched_off_by` is the signal that has systemd do so in the end.
    `slower` is how many times as long as on the host a program takes. `queue_length` is what
    net.unix.max_dgram_qlen is there: containers share that of the host, which is set for them.
    """

    slower = 1
    queue_length = 512

    def __init__(self, suite: str, leader: int, shared: Path) -> None:
        self.suite = suite
        self.leader = leader
        self.shared = shared
        self.switched_off_by = signal.SIGRTMIN + 4  # poweroff.target (systemd(1))
        self.since = "--since=@0"
        self._launcher = ""
        self._options: tuple[str, ...] = ()

    def command(self, *words: str, user: str = "root") -> list[str]:
        """The words that run a command inside, for subprocess; `user` gets its primary group and no other."""
        return ["nsenter", f"--target={self.leader}", "--all", *self.bare(user), *words]

    def bare(self, user: str) -> list[str]:
        """The words that run a command with a bare environment as a user, for root inside."""
        return ["env", "-i", f"PATH={_PATH}", "HOME=/root", "LANG=C.UTF-8", *self.become(user)]

    def become(self, user: str) -> list[str]:
        """The words that run a command as another user, for root inside."""
        if user == "root":
            return []
        return ["setpriv", f"--reuid={user}", f"--regid={_GROUPS[user]}", "--clear-groups"]

    def run(
        self, *words: str, user: str = "root", status: int | None = 0, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command inside to its end; its exit status must be `status`, unless that is None."""
        done = subprocess.run(self.command(*words, user=user), input=stdin, capture_output=True, check=False)
        if status is not None and done.returncode != status:
            output = (done.stdout + done.stderr).decode(errors="replace")
            raise AssertionError(f"{self.suite}: {' '.join(words)}: exit status {done.returncode}\n{output[-4000:]}")
        return done

    def text(self, *words: str, user: str = "root", status: int | None = 0) -> str:
        """What a command prints on standard output, less the last newline."""
        return self.run(*words, user=user, status=status).stdout.decode().removesuffix("\n")

    def start(self, *words: str, user: str = "root") -> "subprocess.Popen[bytes]":
        """Start a command inside and leave it running."""
        return subprocess.Popen(
            self.command(*words, user=user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def finish(self, started: "subprocess.Popen[bytes]") -> None:
        """Wait for what `start` has started; it must succeed and say nothing."""
        said, _ = started.communicate()
        assert (started.returncode, said) == (0, b""), f"{self.suite}: {started.returncode}, {said.decode()}"

    def kill(self, started: "subprocess.Popen[bytes]") -> None:
        """End what `start` has started.

        nsenter is the parent of what runs inside: it goes last, or a zombie is left for which PID 1 inside waits
        10 s when the machine is switched off.
        """
        self._signal(started, signal.SIGKILL)
        started.communicate()

    def _signal(self, started: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        child = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        for pid in map(int, child):
            os.kill(pid, number)

    def stop(self, started: "subprocess.Popen[bytes]") -> bytes:
        """End what `start` has started with SIGTERM; what it has printed."""
        self._signal(started, signal.SIGTERM)
        try:
            said, _ = started.communicate(timeout=MACHINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(started)
            raise AssertionError(
                f"{self.suite}: process {started.pid} has not ended {MACHINE_SECONDS} s after SIGTERM"
            ) from None
        return said

    def kernel(self) -> str:
        """The release of its kernel, `6.12.4-amd64`."""
        return self.text("uname", "--kernel-release")

    def linux(self) -> tuple[int, int]:
        """The version of its kernel."""
        major, minor, *_ = re.findall(r"\d+", self.kernel())
        return int(major), int(minor)

    def remembers_ended(self) -> bool:
        """Whether its kernel still knows the control group and the exit status of a process that has been reaped."""
        return self.linux() >= (6, 15)

    def program(self, name: str, *words: str) -> list[str]:
        """The words for a test program of this folder, to be run inside with `run` or `start`."""
        return ["python3", f"/programs/{name}.py", *words]

    def frames(self, payloads: Sequence[bytes], name: str = "frames") -> str:
        """Put datagrams into a file for send_frames.py; its name inside."""
        (self.shared / name).write_bytes(b"".join(len(p).to_bytes(8, "little") + p for p in payloads))
        return f"/host/{name}"

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.text("systemctl", "show", "--value", f"--property={what}", unit)

    def older_kernel(self, *missing: str) -> None:
        """Have the service run, from its next start on, as on a kernel that lacks these (older_kernel.py)."""
        self._launcher = f"/usr/bin/python3 -I /programs/older_kernel.py {' '.join(missing)} -- " if missing else ""
        self._run_by_service()

    def options(self, *options: str) -> None:
        """Have the service run with these options from its next start on, as `systemctl edit` would."""
        self._options = options
        self._run_by_service()

    def _run_by_service(self) -> None:
        command = " ".join([f"{self._launcher}/usr/bin/udsd", *self._options])
        self.drop_in("options", f"[Service]\nExecStart=\nExecStart={command}\n")

    def drop_in(self, name: str, text: str, unit: str = "udsd.service") -> None:
        """Add a drop-in to a unit; it holds from the next start on."""
        folder = f"/run/systemd/system/{unit}.d"
        self.run("mkdir", "-p", folder)
        self.run("tee", f"{folder}/{name}.conf", stdin=text.encode())
        self.run("systemctl", "daemon-reload")

    @contextmanager
    def without_journald(self) -> Iterator[None]:
        """Have journald and its sockets stopped while this is entered.

        The socket that entries come in on goes first: an entry would start journald, and so cancel the stop of those
        that are next.
        """
        name = "systemd-journald"
        others = set(self.show(f"{name}.service", "TriggeredBy").split()) - {f"{name}.socket"}
        units = [f"{name}.socket", *sorted(others), f"{name}.service"]
        self.run("systemctl", "stop", *units)
        yield
        self.run("systemctl", "start", *units)

    def mark(self) -> None:
        """`journal` shows what comes after this moment, by the machine's clock.

        By time: with matches, `journalctl --after-cursor` of systemd 252 skips the first entry.
        """
        self.run("journalctl", "--sync")
        self.since = f"--since=@{self.text('date', '+%s.%6N')}"

    def journal(self, *matches: str, fields: Sequence[str] = ()) -> list[Entry]:
        """The entries that match, oldest first, with all their fields or only `fields`, byte for byte."""
        self.run("journalctl", "--sync")
        words = ["journalctl", "--output=export", "--all", self.since, *matches]
        if fields:
            words.append(f"--output-fields={','.join(fields)}")
        return list(_entries(self.run(*words).stdout))

    def wait_for(self, *matches: str, seconds: float = MACHINE_SECONDS) -> None:
        """Return when the journal has an entry that matches."""
        words = ["journalctl", "--follow", "--lines=all", "--output=cat", self.since, *matches]
        follow = self.start(*words)
        assert follow.stdout is not None
        readable = select.select([follow.stdout], [], [], seconds)[0]
        self.kill(follow)
        assert readable, f"{self.suite}: no entry with {matches} after {seconds} s"

    def wait_for_status(self, pattern: str) -> None:
        """Return when the status of udsd.service matches. Nothing tells when it has a new one."""
        look = f"until systemctl show --property=StatusText udsd.service | grep -e '{pattern}'; do sleep 0.05; done"
        self.run("timeout", str(MACHINE_SECONDS), "sh", "-c", look)

    def service_pid(self) -> int:
        """The process of udsd.service, which runs."""
        pid = int(self.show("udsd.service", "MainPID"))
        assert pid, f"{self.suite}: udsd.service does not run"
        return pid

    def host_pid(self, pid: int) -> int:
        """The host's number of a process that is `pid` inside."""
        within = os.readlink(f"/proc/{self.leader}/ns/pid")
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):  # it may have ended meanwhile
                (numbers,) = re.findall(r"^NSpid:(.*)$", status.read_text(), re.MULTILINE)
                if int(numbers.split()[-1]) == pid and os.readlink(status.parent / "ns/pid") == within:
                    return int(status.parent.name)
        raise AssertionError(f"{self.suite}: there is no process {pid}")

    def resources(self) -> tuple[int, int]:
        """Descriptors and resident memory (KiB) of udsd.service."""
        pid = self.service_pid()
        descriptors = self.text("ls", f"/proc/{pid}/fd").split()
        memory = self.text("grep", "^VmRSS", f"/proc/{pid}/status").split()
        return len(descriptors), int(memory[1])

    def datagrams(self, *matches: str, fields: Sequence[str] = ()) -> list[Entry]:
        """The entries that came in as datagrams, on the system's socket unless matched otherwise."""
        return self.journal(*(matches or ("UDSD_SOCKET=/run/udsd/udsd.sock",)), fields=fields)

    def messages(self) -> list[bytes]:
        """The message of each datagram that was stored."""
        return [entry["MESSAGE"] for entry in self.datagrams(fields=["MESSAGE"])]


_GROUPS = {"nobody": "nogroup", "udsd": "udsd", "daemon": "daemon"}


def _entries(export: bytes) -> Iterator[Entry]:
    """Entries from the Journal Export Format (https://systemd.io/JOURNAL_EXPORT_FORMATS/)."""
    entry: Entry = {}
    at = 0
    while at < len(export):
        end = export.index(b"\n", at)
        name, equals, value = export[at:end].partition(b"=")
        at = end + 1
        if not name:
            yield entry
            entry = {}
            continue
        if not equals:
            length = int.from_bytes(export[at : at + 8], "little")
            value = export[at + 8 : at + 8 + length]
            at += 8 + length + 1
        entry[name.decode()] = value
    if entry:
        yield entry


def install(machine: Machine, package: Path) -> None:
    """Install the package, whose dependencies the machine has: the socket listens then."""
    shutil.copy(package, machine.shared)
    machine.run("apt-get", "install", "--yes", "--no-install-recommends", f"/host/{package.name}")
    machine.mark()


def with_package(root: Path, package: Path, folder: Path) -> None:
    """Make `folder` a copy of an image with the package installed, to be booted: the socket listens then."""
    copied(root, folder)
    _run(
        [*nspawn(folder, volatile=False), "--suppress-sync=yes", f"--bind-ro={package.parent}:/package"],
        f"apt-get install --yes --no-install-recommends /package/{package.name}",
    )


@contextmanager
def booted(
    suite: str,
    packages: Sequence[str],
    *,
    binds: Sequence[str] = (),
    root: Path | None = None,
    disk: Path | None = None,
) -> Iterator[Machine]:
    """A fresh machine, up when this is entered and gone when it is left.

    `root` is booted instead of the image of these packages. So is `disk`, which keeps what is written to it. `binds`
    are more options of nspawn.
    """
    words = nspawn(disk, volatile=False) if disk else nspawn(root or image(suite, packages))
    with (
        tempfile.TemporaryDirectory(prefix="udsd-machine-") as scratch,
        open(Path(scratch, "console"), "wb") as console,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
        _own_cgroup(Path(scratch).name) as within,
    ):
        shared = Path(scratch, "host")
        shared.mkdir()
        shared.chmod(0o755)
        notify.bind(str(shared / "notify"))
        notify.settimeout(BOOT_SECONDS)
        Path("/proc/sys/net/unix/max_dgram_qlen").write_text(f"{Machine.queue_length}\n")
        container = subprocess.Popen(
            [
                *within,
                *words,
                "--boot",
                "--console=passive",
                "--notify-ready=yes",
                f"--bind={shared}:/host",
                f"--bind-ro={PROGRAMS}:/programs",
                *binds,
            ],
            env={**nspawn_environment(), "NOTIFY_SOCKET": notify.getsockname()},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        try:
            leader = _wait_until_up(notify, console.name)
            machine = Machine(suite, leader, shared)
            try:
                yield machine
            finally:
                if Path(f"/proc/{leader}/comm").read_text() == "systemd\n":
                    os.kill(leader, machine.switched_off_by)
                else:
                    machine.run("poweroff")
                container.wait(BOOT_SECONDS)
        finally:
            if container.poll() is None:
                container.kill()
                container.wait()


@contextmanager
def _own_cgroup(name: str) -> Iterator[list[str]]:
    """Words that run a command in a control group of its own, in each hierarchy that systemd uses."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        ours[controllers] = path
    groups = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mounted, kind, options, *_ = line.split()
        controllers = "name=systemd" if kind == "cgroup" and "name=systemd" in options.split(",") else ""
        if (kind == "cgroup2" or controllers) and controllers in ours:
            groups.append(Path(f"{mounted}{ours.pop(controllers)}", name))  # it may be mounted once more elsewhere
    for group in groups:
        group.mkdir(exist_ok=True)  # a hierarchy may be mounted in two places
    join = 'for group; do shift; [ "$group" != -- ] || break; echo $$ >"$group/cgroup.procs"; done; exec "$@"'
    try:
        yield ["sh", "-euc", join, "sh", *map(str, groups), "--"]
    finally:
        for group in groups:
            for folder, _, _ in os.walk(group, topdown=False):
                with suppress(OSError):  # what ends late keeps its group
                    Path(folder).rmdir()


def _wait_until_up(notify: socket.socket, console: str) -> int:
    leader = 0
    while True:
        try:
            lines = notify.recv(4096).decode().splitlines()
        except TimeoutError:
            raise RuntimeError(f"the machine did not come up:\n{Path(console).read_text()[-4000:]}") from None
        for line in lines:
            if line.startswith("X_NSPAWN_LEADER_PID="):
                leader = int(line.partition("=")[2])
        if "READY=1" in lines:
            return leader
