"""All attacks at once, for two minutes, beside an honest sender, who loses nothing. Needs the machine for itself."""

from pathlib import Path

from tests.container.attacks import JSON, SOCKET, attack, booted_victim, reports, taken, unharmed

_RATE = 1000  # honest datagrams a second
_SECONDS = 120
_ATTACKS = {"fuse": SOCKET, "linger": SOCKET, "names": SOCKET, "json": JSON, "params": SOCKET, "large": SOCKET}
_MORE_MEMORY = 8 << 10  # KiB, for tables that are bounded and fill up once


def test_all_attacks_at_once_harm_no_honest_sender(suite: str, package: Path) -> None:
    with booted_victim(suite, package) as victim:
        # Bytes are what is limited: on a busy machine the honest sender catches up in a burst.
        victim.options("--rate-limit=200000,8M/30")
        victim.run("systemctl", "restart", "udsd.service")
        victim.run("udsd-send", "ready")
        victim.wait_for("MESSAGE=ready")
        victim.mark()
        pid = victim.service_pid()
        _, before = victim.resources()
        number = _RATE * _SECONDS
        service = ["systemd-run", "--quiet", "--pipe", "--wait", "--unit=honest", "--property=User=daemon"]
        numbered = victim.program("send_numbered", f"--rate={_RATE}", f"--count={number}", "honest")
        started = [attack(victim, kind, 4, socket, _SECONDS) for kind, socket in _ATTACKS.items()]
        victim.finish(victim.start(*service, *numbered))
        counts = [taken(each) for each in started]
        assert all(counts)
        victim.run("udsd-send", "behind it")
        victim.wait_for("MESSAGE=behind it")
        entries = victim.datagrams("OBJECT_SYSTEMD_UNIT=honest.service", fields=["MESSAGE"])
        assert not [entry for entry in reports(victim) if entry["UDSD_ACCOUNT"] == b"honest.service"]
        assert [entry["MESSAGE"] for entry in entries] == [b"honest %d" % n for n in range(number)]
        unharmed(victim, pid)
        assert victim.resources()[1] < before + _MORE_MEMORY
