"""Each way to run udsd besides the system's socket: started, used and stopped."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import READY, USERS, image
from tests.container.machines import PROGRAMS, Machine, booted, install, run_in_root
from tests.container.needs import make_image
from tests.source import TOP

pytestmark = pytest.mark.one_machine

_UID = 1000

_NO_LIMIT = "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limit=off\n"

# Sending it always works; journald need not believe it.
_FORGE = "write entries that journalctl -u shows for others"

# Journals of users are files of their own only on disk.
_PERSISTENT = "[Journal]\nStorage=persistent\n"


@pytest.fixture(scope="module")
def installed(suite: str, package: Path) -> Iterator[Machine]:
    """One machine for the tests on a booted one, which have nothing to do with each other."""
    make_image(suite, USERS)
    with booted(suite, USERS) as machine:
        install(machine, package)
        yield machine


class User:
    """A user with a service manager that runs."""

    def __init__(self, machine: Machine, name: str) -> None:
        self._machine = machine
        self._name = name
        machine.run("useradd", "--create-home", f"--uid={_UID}", name)
        # As a service: logind may refuse a caller whose control group is outside of the machine.
        machine.run("systemd-run", "--quiet", "--wait", "loginctl", "enable-linger", name)
        machine.run("systemctl", "start", f"user@{_UID}.service")  # waits until it is up

    def words(self, *words: str) -> list[str]:
        become = ["setpriv", f"--reuid={self._name}", f"--regid={self._name}", "--init-groups"]
        return [*become, "env", f"XDG_RUNTIME_DIR=/run/user/{_UID}", *words]

    def run(self, *words: str, status: int | None = 0) -> str:
        return self._machine.text(*self.words(*words), status=status)

    def journal(self, *words: str) -> list[dict[str, str]]:
        """What the user's own journal has."""
        self._machine.run("journalctl", "--sync")
        return [json.loads(line) for line in self.run("journalctl", "--user", "--output=json", *words).splitlines()]


def test_a_user_has_a_socket_and_a_daemon_and_entries_in_the_own_journal(installed: Machine) -> None:
    machine = installed
    machine.run("mkdir", "--parents", "/run/systemd/journald.conf.d", "/var/log/journal")
    machine.run("tee", "/run/systemd/journald.conf.d/zz.conf", stdin=_PERSISTENT.encode())
    machine.run("systemctl", "restart", "systemd-journald.service")
    machine.run("journalctl", "--flush")
    user = User(machine, "alice")
    path = f"/run/user/{_UID}/udsd/udsd.sock"

    user.run("systemctl", "--user", "start", "udsd.socket")
    assert machine.text("stat", "--format=%a %U", path) == "600 alice"
    stays = f"udsd-send -u {path} hello from alice; exec sleep infinity"
    user.run("systemd-run", "--user", "--quiet", "--unit=app", "sh", "-c", stays)
    machine.wait_for("MESSAGE=hello from alice")
    (entry,) = user.journal("--unit=udsd.service", "MESSAGE=hello from alice")
    expected = {
        "UDSD_SOCKET": path,
        "OBJECT_UID": str(_UID),
        "OBJECT_SYSTEMD_OWNER_UID": str(_UID),
        "OBJECT_SYSTEMD_UNIT": f"user@{_UID}.service",
        "OBJECT_SYSTEMD_USER_UNIT": "app.service",
        "_UID": str(_UID),
        "_SYSTEMD_USER_UNIT": "udsd.service",
    }
    assert {name: entry.get(name) for name in expected} == expected
    assert machine.datagrams() == [], "the system's daemon has no part in it"

    # Nobody else may send, and the user may stop it.
    refused = machine.run("udsd-send", "-u", path, "from nobody", user="nobody", status=None)
    assert refused.returncode != 0
    pid = user.run("systemctl", "--user", "show", "--value", "--property=MainPID", "udsd.service")
    machine.run(*machine.program("until_exit", pid, *user.words("udsd-send", "-u", path, "DONE")))
    (bye,) = user.journal("MESSAGE_ID=80008352642b4c53a8c16e9abbde2f07")
    assert f"stopped by DONE from uid {_UID}, " in bye["MESSAGE"]
    user.run("udsd-send", "-u", path, "wakes it")
    machine.wait_for("MESSAGE=wakes it")
    user.run("systemctl", "--user", "stop", "udsd.socket")
    assert user.run("systemctl", "--user", "is-active", "udsd.service", status=3) == "inactive"
    assert [entry["MESSAGE"] for entry in user.journal(f"UDSD_SOCKET={path}")] == ["hello from alice", "wakes it"]
    machine.run("test", "!", "-e", path)


def test_journal_namespaces_are_apart(installed: Machine) -> None:
    machine = installed
    names = ("blue", "green")
    machine.mark()
    for name in names:
        machine.drop_in("options", _NO_LIMIT, f"udsd@{name}.service")
        machine.run("systemctl", "start", f"udsd@{name}.socket")
        machine.run("udsd-send", "-u", f"/run/udsd.{name}/udsd.sock", f"hello {name}", user="nobody")
        machine.run("systemctl", "start", f"udsd@{name}.service")  # waits until it is up
        machine.run("journalctl", f"--namespace={name}", "--sync")  # waits for the files of the journal
        machine.wait_for(f"--namespace={name}", f"MESSAGE=hello {name}")
    for name in names:
        entries = machine.journal(f"--namespace={name}", "--output-fields=MESSAGE,_SYSTEMD_UNIT,OBJECT_UID")
        assert [entry["MESSAGE"] for entry in entries if "OBJECT_UID" in entry] == [b"hello %s" % name.encode()]
        units = {entry["_SYSTEMD_UNIT"] for entry in entries if entry["MESSAGE"].startswith((b"hello", b"receiving"))}
        assert units == {b"udsd@%s.service" % name.encode()}
    assert machine.journal("MESSAGE=hello blue", "MESSAGE=hello green") == []

    # The namespace's journald has no limit for udsd either.
    count = 12_000
    machine.run(*machine.program("send_numbered", f"--count={count}", "--socket=/run/udsd.blue/udsd.sock", "many"))
    machine.wait_for("--namespace=blue", f"MESSAGE=many {count - 1}")
    entries = machine.datagrams("--namespace=blue", "UDSD_SOCKET=/run/udsd.blue/udsd.sock", fields=["MESSAGE"])
    assert [entry["MESSAGE"] for entry in entries] == [b"hello blue", *(b"many %d" % number for number in range(count))]

    machine.run("systemctl", "stop", "udsd@blue.socket", "udsd@green.socket")
    for name in names:
        assert machine.show(f"udsd@{name}.service", "ActiveState") == "inactive"
        machine.run("test", "!", "-e", f"/run/udsd.{name}/udsd.sock")


def test_sockets_for_formats_stand_alone(installed: Machine) -> None:
    machine = installed
    machine.mark()
    machine.run("systemctl", "start", "udsd-format@json.socket", "udsd-format@raw.socket")
    machine.run("udsd-send", "-u", "/run/udsd/json.sock", '{"message": "hello", "colour": "blue"}', user="nobody")
    machine.run("udsd-send", "-u", "/run/udsd/raw.sock", "<3>hello", user="nobody")
    machine.wait_for("UDSD_SOCKET=/run/udsd/json.sock")
    machine.wait_for("UDSD_SOCKET=/run/udsd/raw.sock")
    (entry,) = machine.datagrams("UDSD_SOCKET=/run/udsd/json.sock")
    assert (entry["MESSAGE"], entry["COLOUR"], entry["_SYSTEMD_UNIT"]) == (
        b"hello",
        b"blue",
        b"udsd-format@json.service",
    )
    (entry,) = machine.datagrams("UDSD_SOCKET=/run/udsd/raw.sock")
    assert (entry["MESSAGE"], entry["_SYSTEMD_UNIT"]) == (b"<3>hello", b"udsd-format@raw.service")

    machine.run("systemctl", "stop", "udsd.socket", "udsd.service")
    assert machine.text("ls", "/run/udsd").split() == ["json.sock", "raw.sock"]
    machine.run("udsd-send", "-u", "/run/udsd/raw.sock", "alone")
    machine.wait_for("MESSAGE=alone")
    machine.run("systemctl", "start", "udsd.socket")
    assert machine.text("ls", "/run/udsd").split() == ["json.sock", "raw.sock", "udsd.sock"]
    machine.run("systemctl", "stop", "udsd-format@json.socket", "udsd-format@raw.socket")
    assert machine.text("ls", "/run/udsd").split() == ["udsd.sock"]


def test_a_service_without_a_socket_unit(installed: Machine) -> None:
    machine, unit, path = installed, "self-bound.service", "/run/myapp/log.sock"
    machine.mark()
    machine.run("cp", f"/usr/share/doc/udsd/examples/{unit}", "/etc/systemd/system/")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", unit)
    machine.run("udsd-send", "-u", path, '{"message": "first"}', user="nobody")

    # What is queued when it is stopped, for a restart too, is delivered first.
    count = 200
    pid = machine.show(unit, "MainPID")
    machine.run("kill", "-STOP", pid)
    machine.run(*machine.program("send_numbered", f"--count={count}", f"--socket={path}", "queued"))
    machine.run("systemctl", "restart", unit)
    assert machine.show(unit, "MainPID") != pid
    machine.run("udsd-send", "-u", path, '{"message": "after the restart"}', user="nobody")

    # Killed, it is started again; told to end, it is not.
    machine.mark()
    machine.run("systemctl", "kill", "--signal=KILL", unit)
    machine.wait_for(f"MESSAGE=receiving on {path}")
    machine.run("systemctl", "start", unit)  # waits until it is up
    assert machine.show(unit, "NRestarts") == "1"
    machine.run("udsd-send", "-u", path, '{"message": "after the kill"}', user="nobody")
    machine.run(*machine.program("until_exit", machine.show(unit, "MainPID"), "udsd-send", "-u", path, "DONE"))
    machine.run("systemctl", "stop", unit)  # which has nothing left to do, but waits for what goes on
    assert machine.show(unit, "Result") == "success"
    machine.run("test", "!", "-e", "/run/myapp")
    machine.since = "--since=@0"
    assert [entry["MESSAGE"] for entry in machine.datagrams(f"UDSD_SOCKET={path}", fields=["MESSAGE"])] == [
        b"first",
        *(b"queued %d" % number for number in range(count)),
        b"after the restart",
        b"after the kill",
    ]


def test_a_service_without_a_socket_unit_is_killed_and_loses_nothing(installed: Machine) -> None:
    machine, unit, path = installed, "self-bound.service", "/run/myapp/log.sock"
    kills = int(os.environ.get("UDSD_TESTS_KILLS", "10"))
    machine.mark()
    machine.run("cp", f"/usr/share/doc/udsd/examples/{unit}", "/etc/systemd/system/")
    machine.drop_in("options", "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limit=off --listen " + path, unit)
    machine.run("systemctl", "start", unit)
    sender = machine.start(*machine.program("send_numbered", "--rate=1000", f"--socket={path}", "numbered"))
    machine.wait_for("MESSAGE=numbered 100")
    inode = machine.text("stat", "--format=%i", path)
    machine.run(*machine.program("kill_often", str(kills), unit))
    machine.run("systemctl", "start", unit)
    assert int(machine.show(unit, "NRestarts")) == kills
    assert machine.text("stat", "--format=%i", path) == inode, "each run went on with the same socket"

    # At another path: what is queued at the old one comes first, and nothing is left of it.
    other = "/run/myapp/other.sock"
    sent = int(machine.stop(sender))  # before the stop of udsd: with a full queue it would wait
    pid = machine.show(unit, "MainPID")
    machine.run("kill", "-STOP", pid)
    more = ("--count=100", f"--first={sent}", f"--socket={path}")
    machine.run(*machine.program("send_numbered", *more, "numbered"))
    sent += 100
    machine.run("udsd-send", "-u", path, "last at the old path")
    machine.drop_in("options", "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --listen " + other, unit)
    machine.run(*machine.program("until_exit", pid, "kill", "-KILL", pid))
    machine.run("systemctl", "start", unit)
    machine.run("udsd-send", "-u", other, "at the new path")
    machine.wait_for("MESSAGE=at the new path")
    assert machine.text("ls", "/run/myapp").split() == ["other.sock", "other.sock.lock"]
    assert machine.show(unit, "NFileDescriptorStore") == "2", "a mark and the socket"

    machine.run("systemctl", "stop", unit)
    machine.run("test", "!", "-e", "/run/myapp")
    assert machine.show(unit, "NFileDescriptorStore") == "0"
    entries = machine.datagrams(f"UDSD_SOCKET={path}", fields=["MESSAGE", "UDSD_REDELIVERED"])
    stored = Counter(entry["MESSAGE"] for entry in entries)
    expected = {b"last at the old path", *(b"numbered %d" % number for number in range(sent))}
    sys.stdout.write(
        f"{machine.suite}: {kills} kills, sent {sent}, stored {len(stored)}, twice {len(entries) - len(stored)}\n"
    )
    assert stored.keys() == expected
    marked = Counter(entry["MESSAGE"] for entry in entries if "UDSD_REDELIVERED" in entry)
    assert all(marked[message] >= times - 1 for message, times in stored.items())
    exposure = machine.text("systemd-analyze", "security", "--no-pager", unit).splitlines()[-1]
    sys.stdout.write(exposure + "\n")
    assert float(re.findall(r": (\d+\.\d+)", exposure)[0]) <= 1.1


def attempts() -> dict[str, tuple[str, str]]:
    """The table of udsd(8): each attempt of an attacker with what comes of it by default, and as root."""
    page = (TOP / "packaging/man/udsd.8.scd").read_text()
    rows = re.findall(r"^(\S.*?)  +(yes|no)  +(yes|no)$", page, re.MULTILINE)
    return {name: (default, root) for name, default, root in rows}


@pytest.mark.parametrize("column", [0, 1], ids=["default", "root"])
def test_an_attacker_who_has_taken_udsd_over_can_do_what_the_page_says(installed: Machine, column: int) -> None:
    machine, unit = installed, f"taken-over-{column}.service"
    machine.mark()
    prepare = (
        "mkdir -p /root/.ssh /srv/open && chmod 777 /srv/open && touch /etc/open.conf"
        " && echo secret >/root/.ssh/id_ed25519 && chmod 600 /root/.ssh/id_ed25519"
        f" && sed '/^Wants=/d;/^After=udsd/d' $(systemctl show --value --property=FragmentPath udsd.service)"
        f" >/run/systemd/system/{unit}"
    )
    machine.run("sh", "-euc", prepare)
    victims = {"user": "User=daemon", "root": "User=root", "bare": "CapabilityBoundingSet="}
    for name, what in victims.items():
        run = ["systemd-run", "--quiet", "--collect", f"--unit=victim-{name}", f"--property={what}"]
        machine.run(*run, "--property=Type=exec", "sleep", "infinity")
    pids = {name: int(machine.show(f"victim-{name}.service", "MainPID")) for name in victims}
    if column:
        machine.drop_in("root", (TOP / "systemd/examples/journalctl-u.conf").read_text(), unit)
    instead = "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nStandardError=journal\nSyslogLevel=info\n"
    words = f"/usr/bin/python3 /programs/taken_over.py '{json.dumps(pids)}'"
    machine.drop_in("taken", f"{instead}ExecStart=\nExecStart={words}\nBindReadOnlyPaths=/programs\n", unit)
    machine.run("systemctl", "start", unit)
    machine.run("systemctl", "stop", "victim-*.service")
    said = [entry["MESSAGE"].decode() for entry in machine.journal(f"_SYSTEMD_UNIT={unit}", "_TRANSPORT=stdout")]
    found = dict(line.rpartition(": ")[::2] for line in said if ": " in line)
    found[_FORGE] = "yes" if machine.journal("--unit=forged.service") else "not believed"
    assert {name: "yes" if came == "yes" else "no" for name, came in found.items()} == {
        name: results[column] for name, results in attempts().items()
    }, "\n".join(said)


@pytest.fixture
def with_package(package: Path) -> list[str]:
    """What a root that is not booted is started with."""
    return [f"--bind-ro={package.parent}:/package", f"--bind-ro={PROGRAMS}:/programs"]


_INSTALL = "apt-get install --yes --no-install-recommends /package/*.deb >/tmp/log 2>&1 || ! cat /tmp/log"


def test_an_init_script_without_systemd(suite: str, with_package: list[str]) -> None:
    script = "cp /usr/share/doc/udsd/examples/udsd.init /etc/init.d/udsd && chmod +x /etc/init.d/udsd"
    command = f"{_INSTALL} && {script} && python3 /programs/init_script.py"
    run_in_root(image(suite, READY), command, binds=with_package)


def test_as_pid_1_of_a_container(suite: str, with_package: list[str]) -> None:
    command = f"{_INSTALL} && {{ python3 /programs/under_pid_1.py SIGTERM & exec udsd --sink=console; }}"
    said = run_in_root(image(suite, READY), command, binds=with_package)
    assert "\nzombies: []\n" in f"\n{said}"
    assert re.search(r"python3\[\d+\]: hello from a container\n", said), said
    assert "udsd: stopped by SIGTERM: " in said
