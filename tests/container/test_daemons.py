"""Daemons of Debian log to udsd's socket over /dev/log, and the entries are those of journald's own /dev/log."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.container.clients import AUTO, DEV_LOG
from tests.container.images import READY
from tests.container.machines import Entry, Machine, booted, install
from tests.container.needs import make_image
from tests.source import TOP

_SUITE = "trixie"
_DAEMONS = (
    *READY, "apache2", "bind9", "chrony", "cron", "dnsmasq-base", "dovecot-core", "haproxy", "nginx-light",
    "openssh-server", "php-fpm", "postfix", "postgresql", "redis-server", "sudo",
)  # fmt: skip
# They are started here, by their commands.
_UNITS = (
    "apache2", "named", "chrony", "cron", "dovecot", "haproxy", "ssh", "nginx", "php8.4-fpm", "postfix", "postgresql",
    "redis-server",
)  # fmt: skip


class Program(NamedTuple):
    """How to run a daemon in the foreground, messages that it logs, and what they need: bytes sent to a port."""

    command: str
    messages: tuple[str, ...]
    sent: tuple[int, bytes] | None = None


_PROGRAMS = {
    "apache2": Program(
        "mkdir -p /run/apache2; exec apache2 -DFOREGROUND -f /programs/daemons/apache2.conf",
        ("configured -- resuming normal operations", "Command line: "),
    ),
    "named": Program("exec named -f -u bind -p 5354 -c /programs/daemons/named.conf", ("^starting BIND ", "^running$")),
    "chronyd": Program("exec chronyd -n -x -f /programs/daemons/chrony.conf", ("^chronyd version ",)),
    "cron": Program("exec cron -f", (r"\(CRON\) INFO \(pidfile fd = ",)),
    "crontab": Program("echo | crontab -; crontab -l", (r"\(root\) REPLACE \(root\)", r"\(root\) LIST \(root\)")),
    "dnsmasq": Program("exec dnsmasq -k --conf-file=/dev/null --port=5353 --pid-file", ("^started, version ",)),
    "dovecot": Program("exec dovecot -F -c /programs/daemons/dovecot.conf", ("Dovecot v.* starting up",)),
    "haproxy": Program(
        "exec haproxy -db -f /programs/daemons/haproxy.cfg",
        ("http frontend ",),
        (8081, b"GET /a HTTP/1.0\r\n\r\n"),
    ),
    "nginx": Program(
        "exec nginx -c /programs/daemons/nginx.conf",
        ("open.. .*/none. failed", '"GET /none HTTP/1.0" 404'),
        (8082, b"GET /none HTTP/1.0\r\n\r\n"),
    ),
    "php-fpm": Program(
        "exec php-fpm8.4 -F -y /programs/daemons/php-fpm.conf", ("fpm is running, pid", "ready to handle connections")
    ),
    "postfix": Program("postfix start-fg", ("^daemon started -- version",)),
    "postlog": Program(
        "postlog -t 'postfix/check' -p warn 'a warning'; postlog -p panic 'a panic'", ("a warning", "a panic")
    ),
    "postgres": Program(
        "exec setpriv --reuid=postgres --regid=postgres --clear-groups /usr/lib/postgresql/17/bin/postgres"
        " -D /var/lib/postgresql/17/main -c config_file=/etc/postgresql/17/main/postgresql.conf"
        " -c log_destination=syslog -c ssl=off",
        ("starting PostgreSQL", "database system is ready to accept connections"),
    ),
    "redis": Program(
        "exec redis-server --port 0 --unixsocket /run/test-redis.sock --save ''"
        " --syslog-enabled yes --syslog-facility local5",
        ("Redis is starting", "Server initialized"),
    ),
    "sshd": Program(
        "mkdir -p /run/sshd; exec /usr/sbin/sshd -D -p 2222",
        ("^Server listening on 0.0.0.0 port 2222", "banner exchange: .* invalid format"),
        (2222, b"x\r\n"),
    ),
    "sudo": Program("sudo -u nobody true", ("USER=nobody ; COMMAND=/usr/bin/true", "session opened for user nobody")),
}

# What has daemons log again that run for long, and so are connected to a socket.
_LASTING = {
    "sshd": Program("python3 /programs/connect.py 2222 <<<x", ("banner exchange: .* invalid format",)),
    "postfix": Program("postfix reload", ("^reload -- version",)),
    "postgres": Program("pkill --signal HUP --oldest postgres", ("received SIGHUP, reloading configuration files",)),
}

_NAMES_ITS_HOST = ("nginx",)
_COMPARED = ("PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "MESSAGE")


@pytest.fixture(scope="module")
def daemons(package: Path) -> Iterator[Machine]:
    """A machine with udsd and with the daemons, none of which runs, on a network of its own."""
    make_image(_SUITE, _DAEMONS)
    masked = [f"systemd.mask={unit}" for name in _UNITS for unit in (f"{name}.service", f"{name}.socket")]
    with booted(_SUITE, _DAEMONS, binds=("--private-network", *masked)) as machine:
        install(machine, package)
        yield machine


def logged(machine: Machine, match: str, *options: str) -> dict[tuple[str, str], Entry]:
    """The entry of each message of each program, all of which run at once with these options of systemd-run."""
    machine.mark()
    for name, program in _PROGRAMS.items():
        run = ["systemd-run", "--quiet", "--collect", "--slice=daemons", f"--unit=daemon-{name}"]
        machine.run(*run, "--property=KillSignal=SIGKILL", *options, "sh", "-c", program.command)
    for program in _PROGRAMS.values():
        if program.sent:
            port, text = program.sent
            machine.run(*machine.program("connect", str(port)), stdin=text)
    for program in _PROGRAMS.values():
        for message in program.messages:
            machine.wait_for(match, f"--grep={message}")
    machine.run("systemctl", "stop", "daemons.slice")  # a unit that ends just then is no error for a slice
    entries = machine.journal(match)
    return {
        (name, message): next(entry for entry in entries if re.search(message.encode(), entry["MESSAGE"]))
        for name, program in _PROGRAMS.items()
        for message in program.messages
    }


def said(entry: Entry) -> Entry:
    """What the program said, without the numbers that differ from run to run."""
    return {name: re.sub(rb"[0-9]+", b"0", entry[name]) for name in _COMPARED if name in entry}


def test_daemons_log_to_us_what_they_log_to_journald(daemons: Machine) -> None:
    host = daemons.text("uname", "--nodename").encode()
    theirs = logged(daemons, "_TRANSPORT=syslog")
    ours = logged(daemons, f"UDSD_SOCKET={AUTO}", f"--property=BindPaths={AUTO}:{DEV_LOG}")
    wrong = []
    for (name, message), entry in theirs.items():
        our = ours[name, message]
        expected, found = said(entry), said(our)
        if "SYSLOG_PID" not in expected and our["SYSLOG_PID"] == our["OBJECT_PID"]:
            del found["SYSLOG_PID"]  # udsd's addition
        if name in _NAMES_ITS_HOST:  # journald reads no host name, so it finds no tag either
            found["MESSAGE"] = b"%s %s: %s" % (host, found.pop("SYSLOG_IDENTIFIER"), found["MESSAGE"])
        if found != expected or "UDSD_MALFORMED" in our:
            wrong.append((name, found, expected))
    assert not wrong


def test_daemons_go_on_after_a_restart_of_the_socket_unit(daemons: Machine) -> None:
    symlinks, bind = recipe()
    daemons.drop_in("dev-log", f"[Socket]\n{symlinks}\n", "udsd.socket")
    daemons.run("systemctl", "restart", "udsd.socket")
    daemons.mark()
    for name in _LASTING:
        run = ["systemd-run", "--quiet", f"--unit=lasting-{name}", f"--property={bind}"]
        daemons.run(*run, "--property=KillSignal=SIGKILL", "sh", "-c", f"echo printed; {_PROGRAMS[name].command}")
    for name in _LASTING:
        match = [f"UDSD_SOCKET={AUTO}", f"OBJECT_SYSTEMD_UNIT=lasting-{name}.service"]
        daemons.wait_for(*match, f"--grep={_PROGRAMS[name].messages[0]}")
    daemons.run("systemctl", "restart", "udsd.socket")
    for name, again in _LASTING.items():
        daemons.run("bash", "-c", again.command)
        match = [f"UDSD_SOCKET={AUTO}", f"OBJECT_SYSTEMD_UNIT=lasting-{name}.service"]
        daemons.wait_for(*match, f"--grep={again.messages[0]}")
        assert daemons.journal("_TRANSPORT=stdout", f"_SYSTEMD_UNIT=lasting-{name}.service", "MESSAGE=printed")
    daemons.run("systemctl", "stop", "lasting-*.service")


def test_a_service_starts_and_logs_to_journald_when_udsd_has_been_removed(daemons: Machine) -> None:
    _, bind = recipe()
    daemons.mark()
    daemons.run("systemctl", "stop", "udsd.socket")
    daemons.run("rm", "--recursive", "--force", "/run/udsd")
    daemons.run("systemd-run", "--quiet", "--wait", f"--property={bind}", "logger", "without udsd")
    daemons.wait_for("_TRANSPORT=syslog", "MESSAGE=without udsd")
    daemons.run("systemctl", "start", "udsd.socket")


def recipe() -> tuple[str, str]:
    """What containers.md puts into the drop-ins of udsd.socket and of the service."""
    page = (TOP / "packaging/doc/containers.md").read_text()
    (symlinks,) = re.findall(r"'\[Socket\]\\n(Symlinks=.*?)\\n'", page)
    (bind,) = re.findall(r"'\[Service\]\\n(BindReadOnlyPaths=.*?)\\n'", page)
    return symlinks, bind
