"""What programs that log by themselves send to the live service comes out with the fields that they meant."""

import json
import os
import random
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.container.clients import (
    AUTO,
    DEV_LOG,
    JOURNALD,
    NATIVE,
    RFC_3339,
    Fields,
    compile_programs,
    over,
    said,
    stored,
    syslog,
    text,
    until_end,
)
from tests.container.images import CLIENTS
from tests.container.machines import PROGRAMS, Entry, Machine, booted, install
from tests.container.needs import made_once, make_image

pytestmark = pytest.mark.one_machine

_LARGE = 5 << 20

_COUNTERS = "MESSAGE_ID=cb3ed0fc43eb4d7bba16a9d1e6b9cbe4"

# What both make of a datagram of syslog.
_COMPARED = ("PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "MESSAGE")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of our programs in C."""
    return made_once(tmp_path_factory, "programs", lambda folder: compile_programs(PROGRAMS, folder))


@pytest.fixture(scope="module")
def clients(suite: str, package: Path, programs: Path) -> Iterator[Machine]:
    """A machine with udsd and with its clients, for all tests here: each marks where its own entries begin."""
    make_image(suite, CLIENTS)
    with booted(suite, CLIENTS) as machine:
        for program in programs.iterdir():
            shutil.copy(program, machine.shared)
        machine.run("systemctl", "mask", "--now", "rsyslog.service", "syslog.socket")
        install(machine, package)
        machine.run("systemctl", "start", "udsd-format@native.socket", "udsd-format@json.socket")
        yield machine


def host_of(machine: Machine) -> str:
    return machine.text("uname", "--nodename")


def uid_of(machine: Machine, user: str) -> int:
    return int(machine.text("id", "-u", user))


# logger of util-linux: its options, and what comes of the message "hello  world " with them.
_LOGGER: list[tuple[str, Fields]] = [
    ("", syslog(13, "nobody", "hello  world")),
    ("-t tag", syslog(13, "tag", "hello  world")),
    ("-t tag -p local3.err", syslog(155, "tag", "hello  world")),
    ("-t tag -p kern.emerg", syslog(8, "tag", "hello  world")),  # logger says user instead of kern
    ("-t tag --id=77", syslog(13, "tag", "hello  world", SYSLOG_PID="77")),
    ("-t tag:", syslog(13, "tag:", "hello  world")),
    ("-t 'two words'", syslog(13, "logger", "two words: hello  world")),
    ("-t tag --rfc3164", syslog(13, "tag", "hello  world")),
    ("-t tag --rfc3164 --id=77", syslog(13, "tag", "hello  world", SYSLOG_PID="77")),
    ("-t tag --octet-count --rfc5424=notime,nohost", text("logger", "33 <13>1 - - tag - - - hello  world ")),
    ("-t tag --rfc5424=notq", syslog(13, "tag", "hello  world ", time=RFC_3339)),
    ("-t tag --rfc5424=notq,nohost", syslog(13, "tag", "hello  world ", time=RFC_3339)),
    ("-t tag --rfc5424=notime,nohost", syslog(13, "tag", "hello  world ", time=b"")),
    (
        "-t tag --rfc5424=notq -p mail.debug --id=77 --msgid=greeting",
        syslog(23, "tag", "hello  world ", time=RFC_3339, SYSLOG_PID="77", SYSLOG_MSGID="greeting"),
    ),
    (
        '-t tag --rfc5424=notq --sd-id zoo@123 --sd-param \'tiger="hungry"\' --sd-param \'zebra="\\"so\\" \\] so"\''
        " --sd-id manager@123 --sd-param 'onMeeting=\"yes\"'",
        syslog(
            13,
            "tag",
            "hello  world ",
            time=RFC_3339,
            SD_ZOO_123_TIGER="hungry",
            SD_ZOO_123_ZEBRA='"so" ] so',
            SD_MANAGER_123_ONMEETING="yes",
        ),
    ),
]


def test_logger(clients: Machine) -> None:
    lines = [f"logger -d -u {AUTO} {options} 'hello  world '" for options, _ in _LOGGER]
    entries = stored(clients, "sh", "-ec", "\n".join(lines), user="nobody")
    for (options, expected), entry in zip(_LOGGER, entries, strict=True):
        assert said(entry, "logger", uid_of(clients, "nobody")) == expected, options


def test_logger_tells_its_clock_and_its_own_pid(clients: Machine) -> None:
    (entry,) = stored(clients, "logger", "-d", "-u", AUTO, "-t", "tag", "-i", "--rfc5424", "--", "synchronised?")
    assert entry["SYSLOG_PID"] == entry["OBJECT_PID"]
    fields = said(entry, "logger")
    assert fields.pop("SD_TIMEQUALITY_TZKNOWN") == b"1"
    assert fields.pop("SD_TIMEQUALITY_ISSYNCED") in (b"0", b"1")
    fields.pop("SD_TIMEQUALITY_SYNCACCURACY", None)
    assert fields == syslog(13, "tag", "synchronised?", time=RFC_3339)


def test_logger_makes_each_line_of_its_input_an_entry(clients: Machine) -> None:
    line = f"printf '<3>first\\n\\n<30>third\\n' | logger -d -u {AUTO} -t tag --prio-prefix"
    entries = stored(clients, "sh", "-ec", line)
    expected = [syslog(11, "tag", "first"), syslog(11, "tag", ""), syslog(30, "tag", "third")]
    assert [said(entry, "logger") for entry in entries] == expected


def test_a_tag_names_the_entry_and_not_its_sender(clients: Machine) -> None:
    """A sender that lives is known by its own name, whatever it calls itself."""
    clients.mark()
    words = ["logger", "-d", "-u", AUTO, "-t", "systemd", "--id=1"]
    with subprocess.Popen(clients.command(*words, user="nobody"), stdin=subprocess.PIPE) as logger:
        assert logger.stdin is not None
        logger.stdin.write(b"it is me\n")
        logger.stdin.flush()
        clients.wait_for("MESSAGE=it is me")
        pid = clients.text("pgrep", "--exact", "logger").encode()
        (entry,) = until_end(clients)
    uid = uid_of(clients, "nobody")
    assert said(entry, "logger", uid) == syslog(13, "systemd", "it is me", SYSLOG_PID="1")
    assert (entry["OBJECT_PID"], entry["OBJECT_COMM"]) == (pid, b"logger")
    assert (entry["OBJECT_UID"], entry["OBJECT_GID"]) == (b"%d" % uid, clients.text("id", "-g", "nobody").encode())


def test_syslog_3_from_c(clients: Machine) -> None:
    entries = stored(clients, *over(AUTO, DEV_LOG, "/host/syslog_from_c"))
    pid = entries[0]["OBJECT_PID"]
    assert [said(entry, "syslog_from_c") for entry in entries] == [
        syslog(14, "syslog_from_c", "without openlog"),
        syslog(155, "c-app", "with an identifier"),
        syslog(31, "c-app", "with a pid"),
        syslog(31, "c-app", "two\nlines"),
        syslog(8, "syslog_from_c", f"two words[{pid.decode()}]:   blanks"),
    ]


def test_python_sys_log_handler(clients: Machine) -> None:
    entries = stored(clients, *clients.program("sys_log_handler", AUTO))
    assert [said(entry, "python3") for entry in entries] == [
        syslog(15, "python3", "plain debug", time=b""),
        syslog(10, "python3", "plain critical", time=b""),
        syslog(14, "app", "with an identifier", time=b""),
        syslog(12, "python3", "without the NUL", time=b""),
        syslog(155, "app.db", "two\nlines", time=b"", SYSLOG_PID="4711"),
    ]


def test_perl_sys_syslog(clients: Machine) -> None:
    entries = stored(clients, *over(AUTO, DEV_LOG, "perl", "/programs/sys_syslog.pl", AUTO))
    assert {entry["SYSLOG_PID"] for entry in entries} == {entries[0]["OBJECT_PID"]}
    assert [said(entry, "perl") for entry in entries] == [
        syslog(132, "perl-app", "native"),
        syslog(132, "perl-app", "unix"),
        syslog(132, "perl-app", "unix with a path"),
        syslog(14, "perl-app", "without a pid"),
    ]


def test_busybox_logger(clients: Machine) -> None:
    lines = (
        "busybox logger hello",
        "busybox logger -t tag -p local3.err '  hello '",
        "busybox logger -t 'tag[12]' hello",
        "printf 'from its\\ninput\\n' | busybox logger -t tag",
    )
    entries = stored(clients, *over(AUTO, DEV_LOG, "sh", "-ec", "\n".join(lines)))
    assert [said(entry, "busybox") for entry in entries] == [
        syslog(13, "root", "hello"),
        syslog(155, "tag", "  hello"),
        syslog(13, "tag", "hello", SYSLOG_PID="12"),
        syslog(13, "tag", "from its"),
        syslog(13, "tag", "input"),
    ]


def test_rsyslog_omuxsock(clients: Machine) -> None:
    """Its default template has this host's name between time and tag; in the other one the text begins with a blank."""
    relay = ["systemd-run", "--quiet", "--unit=relay", "--service-type=notify"]
    clients.run(*relay, "rsyslogd", "-n", "-iNONE", "-f", "/programs/omuxsock.conf")
    clients.mark()
    for name, message in (("default", "default"), ("rfc5424", " rfc5424")):
        for options in ("--id=77", "--priority=local3.err"):
            clients.run("logger", "-d", "-u", f"/run/{name}.sock", "-t", "tag", options, name)
        clients.wait_for(f"MESSAGE={message}", "PRIORITY=3")  # the last one: rsyslog keeps their order
    entries = until_end(clients)
    clients.run("systemctl", "stop", "relay.service")
    assert [said(entry, "rsyslogd") for entry in entries] == [
        syslog(13, "tag", "default", SYSLOG_PID="77"),
        syslog(155, "tag", "default"),
        syslog(13, "tag", " rfc5424", time=RFC_3339, SYSLOG_PID="77"),
        syslog(155, "tag", " rfc5424", time=RFC_3339),
    ]


@pytest.mark.parametrize(
    ("comm", "send"),
    [
        ("socat", f"socat - UNIX-SENDTO:{AUTO}"),
        ("socat", f"socat -u - UNIX-CLIENT:{AUTO},type=2"),
        ("nc", f"nc -q0 -uU {AUTO}"),
    ],
)
def test_programs_that_send_what_they_read(clients: Machine, comm: str, send: str) -> None:
    lines = (f"printf 'a text: two\\nlines\\n' | {send}", f"printf '<29>tag[5]: syslog\\n' | {send}")
    one, two = stored(clients, "sh", "-ec", "\n".join(lines))
    assert said(one, comm) == text(comm, "a text: two\nlines")
    assert said(two, comm) == syslog(29, "tag", "syslog", time=b"", SYSLOG_PID="5")


def native(clients: Machine, *words: str) -> Entry:
    """The entry of our program that calls sd_journal_send."""
    (entry,) = stored(clients, *over(NATIVE, JOURNALD, "/host/native", *words), socket=NATIVE)
    return entry


def line_of(call: str) -> bytes:
    lines = Path(PROGRAMS, "native.c").read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if call in line]
    return b"%d" % number


def test_sd_journal_send(clients: Machine) -> None:
    assert said(native(clients, "small"), "native") == {
        "PRIORITY": b"3",
        "MESSAGE": b"small",
        "SYSLOG_IDENTIFIER": b"native",
        "ANSWER": b"42",
        "LINES": b"one\ntwo",
        "CODE_FILE": b"native.c",
        "CODE_LINE": line_of('"MESSAGE=small"'),
        "CODE_FUNC": b"send_small",
    }


def test_other_programs_that_log_to_journald(clients: Machine) -> None:
    lines = (
        "printf 'MESSAGE=from logger\\nPRIORITY=4\\nSYSLOG_IDENTIFIER=tag\\n' | logger --journald",
        'python3 -c \'from systemd.journal import send; send("from Python", SYSLOG_IDENTIFIER="tag", ANSWER=42)\'',
    )
    logger, python = stored(clients, *over(NATIVE, JOURNALD, "sh", "-ec", "\n".join(lines)), socket=NATIVE)
    assert said(logger, "logger") == {"MESSAGE": b"from logger", "PRIORITY": b"4", "SYSLOG_IDENTIFIER": b"tag"}
    assert said(python, "python3") == {
        "MESSAGE": b"from Python",
        "SYSLOG_IDENTIFIER": b"tag",
        "ANSWER": b"42",
        "CODE_FILE": b"<string>",
        "CODE_LINE": b"1",
        "CODE_FUNC": b"<module>",
    }


def fields_left_out(clients: Machine) -> dict[str, int]:
    """What the native socket has counted of fields that are not stored."""
    clients.mark()
    clients.run("systemctl", "kill", "--signal=USR1", "udsd-format@native.service")
    clients.wait_for(_COUNTERS)
    (entry,) = clients.journal(_COUNTERS)
    return {name: int(entry[name]) for name in ("UDSD_DROPPED_FIELDS", "UDSD_INVALID_NAMES")}


def test_the_journal_handler_of_systemd_python_is_no_forger(clients: Machine) -> None:
    """It sends the attributes of each record by names in lower case, which journald passes over."""
    stored(clients, "udsd-send", "-u", NATIVE, "start", socket=NATIVE)
    before = fields_left_out(clients)
    command = over(NATIVE, JOURNALD, *clients.program("journal_handler"))
    entries = stored(clients, *command, socket=NATIVE)
    after = fields_left_out(clients)
    kept = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "LOGGER", "VOLUME", "UDSD_DROPPED_FIELDS", "UDSD_MALFORMED")
    assert [{name: entry[name] for name in kept if name in entry} for entry in entries] == [
        {
            "MESSAGE": b"record %d" % number,
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": b"app",
            "LOGGER": b"app.part",
            "VOLUME": b"/srv",
        }
        for number, priority in enumerate((b"6", b"3"))
    ]
    assert after["UDSD_DROPPED_FIELDS"] == before["UDSD_DROPPED_FIELDS"]
    assert after["UDSD_INVALID_NAMES"] >= before["UDSD_INVALID_NAMES"] + 2 * 15


def as_json(machine: Machine, *matches: str) -> list[dict[str, object]]:
    """Entries as `journalctl -o json` prints them; values of one field in an order of their own."""
    machine.run("journalctl", "--sync")
    printed = machine.run("journalctl", "--output=json", "--all", machine.since, *matches).stdout
    return [_ordered(json.loads(line)) for line in printed.splitlines()]


def _ordered(entry: dict[str, object]) -> dict[str, object]:
    """Several values of a field, in an order of their own."""
    return {
        name: sorted(value, key=repr) if isinstance(value, list) and not isinstance(value[0], int) else value
        for name, value in entry.items()
    }


def long(value: bytes) -> bytes:
    return b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


_OF_A_JOURNAL = [
    b"MESSAGE=text\nPRIORITY=3\nSYSLOG_IDENTIFIER=app\nSYSLOG_PID=7\n",
    b"MESSAGE" + long(bytes(range(256)) * 20) + b"PRIORITY=4\n",
    b"MESSAGE" + long(b"two\nlines\n") + b"LEVEL=error\nMSG=more\n",
    b"TAG=one\nTAG=two\nTAG" + long(b"\xff\0\n") + b"ONE_BYTE=\xff\n",
    b"MESSAGE= a \xc3\xa4 \x01\x1b[31m\nPRIORITY=133\nEMPTY=\n",
    b"MESSAGE=again\nOBJECT_PID=1\nUNIT=a.service\nORIGIN_UID=5\n",
]


@pytest.mark.parametrize("form", ["json", "json-seq"])
def test_entries_of_a_journal_come_out_as_they_went_in(clients: Machine, form: str) -> None:
    """All that the machine has logged, and what is odd besides."""
    clients.run(*clients.program("send_frames", clients.frames(_OF_A_JOURNAL), JOURNALD))
    clients.run("journalctl", "--sync")
    clients.mark()
    shell = f"journalctl --all --output={form} --lines=300 | tee /host/printed | udsd-send -u /run/udsd/json.sock"
    clients.run("sh", "-ec", shell)
    clients.run("udsd-send", "-u", "/run/udsd/json.sock", "that is all")
    clients.wait_for("MESSAGE=that is all", "UDSD_SOCKET=/run/udsd/json.sock")
    printed = Path(clients.shared, "printed").read_bytes().splitlines()
    origins = [_ordered(json.loads(line.removeprefix(b"\x1e"))) for line in printed]
    assert len(origins) >= 50
    *entries, _ = as_json(clients, "UDSD_SOCKET=/run/udsd/json.sock")
    for origin, entry in zip(origins, entries, strict=True):
        expected = relayed(origin)
        stored = {name: value for name, value in entry.items() if not name.startswith(("_", "OBJECT_", "UDSD_"))}
        for name in {"SYSLOG_IDENTIFIER", "SYSLOG_PID"} - expected.keys():
            del stored[name]  # udsd's addition
        assert stored == expected


def relayed(origin: dict[str, object]) -> dict[str, object]:
    """What becomes of an entry of another journal."""
    fields: dict[str, object] = {}
    for name, value in origin.items():
        if not name.startswith(_NOT_FOR_SENDERS):
            fields[name] = value
        elif not name.startswith("__") or name == "__REALTIME_TIMESTAMP":
            field = f"ORIGIN_{name.lstrip('_')}"
            numbered = (field, *(f"{field}_{number}" for number in range(2, 9)))
            fields[next(name for name in numbered if name not in origin)] = value
    for name, theirs in (("SYSLOG_IDENTIFIER", "_COMM"), ("SYSLOG_PID", "_PID")):
        if theirs in origin:
            fields.setdefault(name, origin[theirs])
    return fields


_NOT_FOR_SENDERS = ("_", "OBJECT_", "UDSD_", "COREDUMP_", "UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID")


def test_sd_journal_send_of_fields_that_are_not_for_senders(clients: Machine) -> None:
    entry = native(clients, "reserved")
    assert entry["OBJECT_PID"] != b"1"
    fields = said(entry, "native")
    assert (fields["MESSAGE"], fields["SYSLOG_IDENTIFIER"]) == (b"reserved", b"tag")
    assert fields["UDSD_DROPPED_FIELDS"] == b"2"
    assert "UNIT" not in fields


def test_sd_journal_send_of_more_than_a_datagram_holds(clients: Machine) -> None:
    """The library passes a memfd then, which udsd does not take. From Linux 6.16 on the caller is refused."""
    Path(clients.shared, "large").write_bytes(random.Random(5).randbytes(_LARGE))
    shell = ["sh", "-ec", "exec /host/native large </host/large"]
    clients.mark()
    sent = clients.run(*over(NATIVE, JOURNALD, *shell), status=None)
    entries = until_end(clients, NATIVE)
    if sent.returncode == 0:  # before Linux 6.16
        assert [entry["UDSD_MALFORMED"] for entry in entries] == [b"descriptor refused"]
    else:
        assert entries == []


def compared(entry: Entry) -> Fields:
    fields = {name: entry[name] for name in _COMPARED if name in entry}
    if "SYSLOG_PID" in fields and fields["SYSLOG_PID"] == entry.get("OBJECT_PID"):
        del fields["SYSLOG_PID"]  # udsd's addition
    return fields


def test_logger_to_us_and_to_journald(clients: Machine) -> None:
    """The two entries agree; but each logger looks at its own clock."""
    options = (
        "-p local3.err",
        "-p 0",
        "--id=77",
        "-t a:b",
        "-t 'a[1]b'",
        "-t 'tag[9]' --id=8",
        "-t 'x['",
        "-- -",
        "-- :",
    )
    messages = ("hello", "  blanks  ", "two\nlines", "tag: x", "\xe4\xf6 \u2713", "a" * 900)
    lines = [f"-t tag {some} hello" for some in options] + [f"-t tag {shlex.quote(message)}" for message in messages]
    paths = ("/dev/log", AUTO)
    batch = "\n".join(f"logger -d -u {path} {line}" for line in lines for path in paths)
    match = f"_UID={uid_of(clients, 'nobody')}"
    clients.mark()
    began = datetime.fromisoformat(clients.text("date", "+%Y-%m-%d %H:%M:%S"))
    clients.run("sh", "-ec", batch, user="nobody")
    ended = datetime.fromisoformat(clients.text("date", "+%Y-%m-%d %H:%M:%S"))
    ours = until_end(clients)
    theirs = clients.journal("_TRANSPORT=syslog", match)
    assert len(lines) == len(ours) == len(theirs)
    passed = range(round((ended - began).total_seconds()) + 1)
    seconds = {f"{began + timedelta(seconds=number):%b %e %H:%M:%S }".encode() for number in passed}
    for line, our, their in zip(lines, ours, theirs, strict=True):
        assert {our.pop("SYSLOG_TIMESTAMP"), their.pop("SYSLOG_TIMESTAMP")} <= seconds, line
        assert compared(our) == compared(their), line


def send_payloads(machine: Machine, payloads: list[bytes], *paths: str) -> list[Entry]:
    """Our entries of these payloads, whose sender lives until they are stored."""
    machine.mark()
    end = Path(machine.shared, "end")
    os.mkfifo(end)
    sender = machine.start(*machine.program("send_frames", "--stay-until=/host/end", machine.frames(payloads), *paths))
    with open(end, "wb"):  # opens when the sender has sent
        entries = until_end(machine)
    machine.finish(sender)
    end.unlink()
    return entries


_TIME = b"Nov 25 02:00:00 "

# What journald and we make the same of. Without a tag journald names nobody, and we name the process.
_AGREED = [
    # priorities
    b"<0>x",
    b"<00>x",
    b"<6>kern",
    b"<7>x",
    b"<8>x",
    b"<013>x",
    b"<191>x",
    b"<13><14>x",
    b"<13>",
    # times
    b"<13>" + _TIME + b"tag: text",
    b"<13>" + _TIME + b"tag[12]: text",
    b"<13>" + _TIME + b"text without a tag",
    b"<13>" + _TIME + b"another-host tag: text",
    b"<13>" + _TIME + b"2026 tag: x",
    b"<13>" + _TIME + b"<14>tag: x",
    b"<13>" + _TIME + b" tag: x",
    b"<13>" + _TIME + b"\ttag: x",
    b"<13>" + _TIME + b": x",
    b"<13>" + _TIME + b"[1]: x",
    b"<13>" + _TIME + b"tag:\n",
    b"<13>" + _TIME,
    b"<13>" + _TIME[:-1],
    b"<13>" + _TIME[:-1] + b"tag: x",
    b"<13>" + _TIME[:-1] + b"\ttag: x",
    b"<13>" + _TIME[:-1] + b".123 tag: x",
    b"<13> " + _TIME + b"tag: x",
    b"<13>Nov  5 02:00:00 tag: x",
    b"<13>Nov 05 02:00:00 tag: x",
    b"<13>Nov  0 02:00:00 tag: x",
    b"<13>nov 25 02:00:00 tag: x",
    b"<13>Xyz 95 99:99:99 tag: x",
    b"<13>Nov 25  2:00:00 tag: x",
    b"<13>Nov 25 2:00:00 tag: x",
    b"<13>Nov 25 02.00.00 tag: x",
    b"<13>Nov\t25 02:00:00 tag: x",
    # tags
    b"<13>text without a tag",
    b"<13>tag: x",
    b"<13>tag: tag: x",
    b"<13>tag:",
    b"<13>tag: ",
    b"<13>tag[1]:",
    b"<13>tag[1]: ",
    b"<13>tag:x",
    b"<13>tag[1]:x",
    b"<13>tag:\tx",
    b"<13>tag:\nx",
    b"<13>tag:\rx",
    b"<13>tag:   x",
    b"<13>tag: \tx",
    b"<13>tag[12]:\n x",
    b"<13>tag : x",
    b"<13>   tag: x",
    b"<13>\ttag: x",
    b"<13>\ntag: x",
    b"<13>: x",
    b"<13> : x",
    b"<13>:x",
    b"<13>::",
    b"<13>a:b: x",
    b"<13>a::x",
    b"<13>a=b: x",
    b"<13>http://x y",
    b"<13>1: x",
    b"<13>t%n: x",
    b"<13>t\x01g: x",
    b"<13>t\x0bg: x",
    b"<13>\x0btag: x",
    b"<13>t\xffg: x",
    b"<13>tag\xc2\xa0: x",
    b"<13>" + b"t" * 255 + b": x",
    # process ids
    b"<13>[1]: x",
    b"<13>t[4194304]: x",
    b"<13>t[2147483647]: x",
    b"<13>t[: x",
    b"<13>t]: x",
    b"<13>t[1: x",
    b"<13>t[1]x: x",
    b"<13>t[ 1]: x",
    b"<13>t[1 ]: x",
    b"<13>t[1 2]: x",
    b"<13>t[1][2]: x",
    b"<13>t[[1]: x",
    b"<13>[x]y: z",
    # ends
    b"<13>tag: x\n",
    b"<13>tag: x\n\n",
    b"<13>tag: x\0",
    b"<13>tag: x\n\0",
    b"<13>tag: x\0\n",
    b"<13>tag: x\0\0\n\n",
    b"<13>tag: x\r\n",
    b"<13>tag: x \t ",
    b"<13>tag: x\xc2\xa0",
    b"<13>tag: x\x0b\x0c",
    b"<13>tag:  ",
    b"<13>\n",
    b"<13>  \n",
    b"<13>\0",
    b"<13>  text",
    # messages
    b"<13>tag: two\nlines\n",
    b"<13>tag: \x01\x1b[31m",
    b"<13>tag: \xff\xfe",
    b"<13>tag: \xc3\xa9",
    b"<13>tag: " + b"x" * 3000,
    b"<13>-- MARK --",
    b"<13>x<13>x<13>x",
]


def test_payloads_to_us_and_to_journald(clients: Machine) -> None:
    ours = send_payloads(clients, _AGREED, "/dev/log", AUTO)
    theirs = clients.journal("_TRANSPORT=syslog", f"_PID={ours[0]['OBJECT_PID'].decode()}")
    assert len(_AGREED) == len(ours) == len(theirs)
    wrong = [
        (payload, our, their)
        for payload, our, their in zip(_AGREED, map(compared, ours), map(compared, theirs), strict=True)
        if our != {"SYSLOG_IDENTIFIER": b"python3"} | their
    ]
    assert not wrong


# What we store in another way than journald, on purpose; `HOST` stands for the name of the machine.
_DIFFERENT: list[tuple[bytes, Fields]] = [
    # Text is text, unless it opens with a priority that there is. journald reads a tag from it.
    (b"tag[3]: x", text("python3", "tag[3]: x")),
    (_TIME + b"tag: x", text("python3", _TIME + b"tag: x")),
    (b" <13>tag: x", text("python3", " <13>tag: x")),
    (b"\0<13>x", text("python3", "\0<13>x")),
    (b" ", text("python3", " ")),
    (b"\n", text("python3", "")),
    *((some, text("python3", some)) for some in (b"<>x", b"<a>x", b"<1a>x", b"<-1>x", b"<+1>x", b"< 1>x", b"<1", b"<")),
    *((some, text("python3", some)) for some in (b"<192>x", b"<199>tag: x", b"<999>x", b"<1000>x", b"<0013>x")),
    # A NUL within a message does not end it.
    (b"<13>tag: a\0b", syslog(13, "tag", "a\0b", time=b"")),
    (b"<13>\0x", syslog(13, "python3", "\0x", time=b"")),
    # From version 262 on journald drops a tag of more than 255 bytes, and a process id that cannot be one.
    (b"<13>" + b"t" * 300 + b"[12]: x", syslog(13, "t" * 300, "x", time=b"", SYSLOG_PID="12")),
    *(
        (b"<13>t[%s]: x" % pid, syslog(13, "t", "x", time=b"", SYSLOG_PID=pid))
        for pid in (b"0", b"007", b"-1", b"+5", b"0x10", b"a", b"1a", b"1]", b"2147483648")
    ),
    # What a relay on this machine writes: its host name, a time of the newer form.
    (b"<13>" + _TIME + b"HOST tag[12]: x", syslog(13, "tag", "x", SYSLOG_PID="12")),
    (b"<13>" + _TIME + b"HOST x", syslog(13, "python3", b"HOST x")),
    (b"<13>HOST tag: x", syslog(13, "python3", b"HOST tag: x", time=b"")),
    (b"<13>2026-11-25T02:00:00Z tag: x", syslog(13, "tag", "x", time=b"2026-11-25T02:00:00Z ")),
    # RFC 5424, which journald does not read.
    (b"<13>1 - - - - - -", syslog(13, "python3", "", time=b"")),
    (b"<13>1 - - - - - - x", syslog(13, "python3", "x", time=b"")),
    (b"<13>1 - HOST - - - - x", syslog(13, "python3", "x", time=b"")),
    (
        b"<13>1 - another-host - - - - \xef\xbb\xbfx",
        syslog(13, "python3", "x", time=b"", SYSLOG_HOSTNAME="another-host"),
    ),
    (
        b'<165>1 2026-11-25T02:00:00.5+01:00 another-host tag 12 mid [a@1 b="c"][d@2] x',
        syslog(
            165,
            "tag",
            "x",
            time=b"2026-11-25T02:00:00.5+01:00",
            SYSLOG_PID="12",
            SYSLOG_HOSTNAME="another-host",
            SYSLOG_MSGID="mid",
            SD_A_1_B="c",
            SD_D_2="",
        ),
    ),
]


def test_payloads_that_we_read_in_another_way_than_journald(clients: Machine) -> None:
    host = host_of(clients).encode()
    table = [
        (payload.replace(b"HOST", host), {name: value.replace(b"HOST", host) for name, value in expected.items()})
        for payload, expected in _DIFFERENT
    ]
    entries = send_payloads(clients, [payload for payload, _ in table], AUTO)
    wrong = [
        (payload, found, expected)
        for (payload, expected), entry in zip(table, entries, strict=True)
        if (found := said(entry, "python3")) != expected
    ]
    assert not wrong
