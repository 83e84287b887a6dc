"""udsd@NAME: a socket, a daemon and a journald of its own for each namespace, and nothing in common but the machine."""

import random
import re
import subprocess
import sys
from collections import Counter

from tests.container.load import known_journald_pid
from tests.container.machines import Entry, Machine
from tests.source import TOP
from udsd.journal.log import STOPPED

_UNLIMITED = "[Service]\nExecStart=\nExecStart=/usr/bin/udsd --rate-limit=off\n"
_STARTED = "MESSAGE_ID=ec387f577b844b8fa948f33cad9a75e6"  # journald's, with the limits of its files


def path(name: str) -> str:
    return f"/run/udsd.{name}/udsd.sock"


def start(machine: Machine, *names: str) -> None:
    """Start the daemons of namespaces, each of which brings its journald."""
    for unit in ("socket", "service"):
        machine.run("systemctl", "start", *(f"udsd@{name}.{unit}" for name in names))


def send(machine: Machine, name: str, payloads: list[str], *options: str) -> None:
    machine.run("udsd-send", "-u", path(name), *options, stdin="\n".join(payloads).encode())


def journal(machine: Machine, name: str, *matches: str, fields: tuple[str, ...] = ()) -> list[Entry]:
    machine.run("journalctl", f"--namespace={name}", "--sync")
    return machine.journal(f"--namespace={name}", *matches, fields=fields)


def messages(machine: Machine, name: str) -> list[str]:
    """All that came in as datagrams, on whatever socket."""
    fields = ("MESSAGE", "UDSD_SOCKET")
    entries = journal(machine, name, *(f"UDSD_SOCKET={path(socket)}" for socket in ("blue", "red")), fields=fields)
    return [entry["MESSAGE"].decode() for entry in entries]


def last_words(machine: Machine, name: str) -> dict[str, int]:
    """The counters that the daemon of a namespace leaves when it stops."""
    machine.run("systemctl", "stop", f"udsd@{name}.service")
    (entry,) = journal(machine, name, f"MESSAGE_ID={STOPPED.message_id.decode()}")
    return {word: int(entry[f"UDSD_{word.upper()}"]) for word in ("received", "stored", "limited")}


def test_a_flood_in_one_namespace_is_in_no_other_and_takes_nothing_from_it(machine: Machine) -> None:
    machine.drop_in("unlimited", _UNLIMITED, "udsd@red.service")
    start(machine, "blue", "red")
    quiet = [f"blue {number}" for number in range(1500)]
    flood = machine.start(*machine.program("send_numbered", f"--socket={path('red')}", "flood"))
    machine.wait_for("--namespace=red", "MESSAGE=flood 1000")
    send(machine, "blue", quiet, "--rate=1000")
    machine.run("udsd-send", "in neither")
    machine.wait_for("--namespace=blue", f"MESSAGE={quiet[-1]}")
    machine.wait_for("MESSAGE=in neither")
    flooded = flood_ends(machine, flood)
    machine.wait_for("--namespace=red", f"MESSAGE=flood {flooded - 1}")

    stored = {name: messages(machine, name) for name in ("blue", "red")}
    shown = {"sent to blue": len(quiet), "to red": flooded, **{f"in {name}": len(stored[name]) for name in stored}}
    sys.stdout.write(f"{machine.suite}: {shown}\n")
    assert stored["blue"] == quiet
    assert stored["red"] == [f"flood {number}" for number in range(flooded)]
    assert machine.messages() == [b"in neither"]
    assert not machine.datagrams(*(f"UDSD_SOCKET={path(name)}" for name in ("blue", "red")))
    everywhere = {b"udsd@blue.service": b"blue", b"udsd@red.service": b"red", b"udsd.service": None}
    merged = machine.journal("--namespace=*", "_COMM=udsd", fields=("_SYSTEMD_UNIT", "_NAMESPACE"))
    told = {(entry["_SYSTEMD_UNIT"], entry.get("_NAMESPACE")) for entry in merged}
    assert told == set(everywhere.items())
    assert last_words(machine, "blue") == {"received": len(quiet), "stored": len(quiet), "limited": 0}
    assert last_words(machine, "red") == {"received": flooded, "stored": flooded, "limited": 0}


def flood_ends(machine: Machine, flood: "subprocess.Popen[bytes]") -> int:
    said = machine.stop(flood)
    assert flood.returncode == 0, f"{machine.suite}: {said.decode()}"
    return int(said)


def test_what_a_journald_of_its_own_had_in_its_hand_when_it_died_is_sent_again(machine: Machine) -> None:
    """Whether a kill strikes while an entry is being stored is chance; that the last one is sent again is not."""
    journald, daemon, kills = "systemd-journald@red.service", "udsd@red.service", 10
    machine.drop_in("unlimited", _UNLIMITED, daemon)
    machine.drop_in("starts", "[Unit]\nStartLimitIntervalSec=0\n", unit=journald)
    start(machine, "red")
    flood = machine.start(*machine.program("send_numbered", f"--socket={path('red')}", "flood"))
    machine.wait_for("--namespace=red", "MESSAGE=flood 1000")
    for number in range(kills):
        pid = known_journald_pid(machine, journald, daemon)
        machine.run(*machine.program("until_exit", pid, "kill", "-KILL", pid))
        machine.run("systemctl", "start", journald)
        send(machine, "red", [f"stored after kill {number}"])
        machine.wait_for("--namespace=red", f"MESSAGE=stored after kill {number}")
    sent = flood_ends(machine, flood)
    assert last_words(machine, "red")["received"] == sent + kills

    entries = journal(machine, "red", f"UDSD_SOCKET={path('red')}", fields=("MESSAGE", "UDSD_REDELIVERED"))
    found = Counter(entry["MESSAGE"].decode() for entry in entries)
    marked = Counter(entry["MESSAGE"].decode() for entry in entries if "UDSD_REDELIVERED" in entry)
    after_kills = {f"stored after kill {number}" for number in range(kills)}
    assert found.keys() == {f"flood {number}" for number in range(sent)} | after_kills
    assert 0 < marked.total() <= 4 * kills
    assert found - marked <= Counter(found.keys())  # at most one of each is not marked


def test_what_a_sender_may_send_is_counted_in_each_namespace_for_itself(machine: Machine) -> None:
    machine.drop_in("limit", _UNLIMITED.replace("off", "100/1000"), "udsd@red.service")
    start(machine, "blue", "red")
    for name in ("red", "blue"):
        send(machine, name, [f"{name} {number}" for number in range(300)])
    machine.wait_for("--namespace=blue", "MESSAGE=blue 299")
    machine.run("udsd-send", "-u", path("red"), "that is all", user="nobody")
    machine.wait_for("--namespace=red", "MESSAGE=that is all")
    assert messages(machine, "red") == [*(f"red {number}" for number in range(100)), "that is all"]
    assert messages(machine, "blue") == [f"blue {number}" for number in range(300)]
    assert last_words(machine, "red") == {"received": 301, "stored": 101, "limited": 200}
    assert last_words(machine, "blue") == {"received": 300, "stored": 300, "limited": 0}


def test_each_namespace_keeps_what_its_own_journald_is_told_to_keep(machine: Machine) -> None:
    most, count, size = 16 << 20, 8000, 4000
    settings = f"[Journal]\nSystemMaxUse={most}\nSystemMaxFileSize={most // 8}\n"
    machine.run("tee", "/etc/systemd/journald@red.conf", stdin=settings.encode())
    start(machine, "blue", "red")
    send(machine, "blue", ["kept"])
    machine.wait_for("--namespace=blue", "MESSAGE=kept")
    most_of = {name: int(journal(machine, name, _STARTED)[0]["MAX_USE"]) for name in ("blue", "red")}
    assert most_of["red"] == most != most_of["blue"]

    padding = random.Random(7).randbytes(count * size // 2).hex()  # or journald's compression would make it small
    rows = [f"{number} {padding[number * size : (number + 1) * size]}" for number in range(count)]
    send(machine, "red", [*rows, "that is all"])
    machine.wait_for("--namespace=red", "MESSAGE=that is all")

    numbers = [int(message.split()[0]) for message in messages(machine, "red")[:-1]]
    assert numbers == list(range(count - len(numbers), count))  # the oldest are gone
    assert count * size > most > len(numbers) * size // 2 > 0
    assert messages(machine, "blue") == ["kept"]


def test_journalctl_shows_it_for_the_unit_that_sent(machine: Machine) -> None:
    start(machine, "blue")
    for command in drop_in():
        machine.run("sh", "-c", command)
    send = f"(echo in blue; exec sleep infinity) | udsd-send -u {path('blue')}"  # lives on, for every kernel to name it
    machine.run("systemd-run", "--quiet", "--unit=app", "sh", "-c", send)
    machine.wait_for("--namespace=*", "MESSAGE=in blue")
    assert [entry["MESSAGE"] for entry in journal(machine, "blue", "--unit=app.service")] == [b"in blue"]
    assert not machine.journal("MESSAGE=in blue")
    assert machine.show("udsd@blue.service", "User") == "root"


def drop_in() -> list[str]:
    """The commands of the example that apply it to the daemons of namespaces."""
    example = (TOP / "systemd/examples/journalctl-u.conf").read_text()
    (block,) = re.findall(r"^# For the daemons of journal.*?\n#\n(.*?)^#\n", example, re.MULTILINE | re.DOTALL)
    return [line.lstrip("# ") for line in block.replace("\\\n#", "").splitlines()]


def test_a_namespace_is_gone_when_it_is_stopped_and_deleted(machine: Machine) -> None:
    commands = [command.replace("NAME", "red") for command in deletion()]
    start(machine, "blue", "red")
    for name in ("blue", "red"):
        send(machine, name, [f"hello {name}"])
        machine.wait_for(f"--namespace={name}", f"MESSAGE=hello {name}")
    for command in commands:
        machine.run("sh", "-c", command)
    machine.run("test", "!", "-e", path("red"))
    assert machine.text("sh", "-c", "ls -d /var/log/journal/*.*").endswith(".blue")
    assert machine.text("sh", "-c", "ls -d /run/systemd/journal.*") == "/run/systemd/journal.blue"
    assert messages(machine, "blue") == ["hello blue"]


def deletion() -> list[str]:
    """The commands for that in the page about namespaces."""
    page = (TOP / "packaging/doc/namespaces.md").read_text()
    (block,) = re.findall(r"^To delete .*?^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]
