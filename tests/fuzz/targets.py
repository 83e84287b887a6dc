"""Everything that parses bytes from senders, and what each of it promises.

A target is a function that takes any bytes, has udsd parse them, and raises where a promise is broken: any exception
of the parser's own, or an AssertionError. tests/fuzz/corpus has a folder for each with inputs that are worth keeping.

To add a format to udsd, add a line to _FORMATS here, with what that format promises beyond what all formats do.
To add another parser, add a line to TARGETS.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tests.fuzz import reference
from udsd import cgroup, console, entry, flaw, formats, identity, policy, process, senders, text
from udsd.entry import Entry, Field, Fields

Check = Callable[[bytes], None]


class Target(NamedTuple):
    """`check` raises for an input that breaks a promise; `tokens` are pieces of which such inputs could consist."""

    check: Check
    tokens: Sequence[bytes]


_TRAPS = (
    b"\n", b"\0", b"=", b"\r", b"\t", b"\x1b[2J", b"\n\0\0", b"\n\n", b"MESSAGE=", b"\nMESSAGE\n", b"\nPRIORITY=0\n",
    b"\n_UID=0\n", b"\x01\0\0\0\0\0\0\0", b"\xff" * 8, b"\xc3(", b"\xed\xa0\x80", "\x85\u2028".encode(), "ü".encode(),
    "\u202e\U000e0001".encode(), b"\\x1b",
)  # fmt: skip
_STOPS = (b"DONE", b"DONE\n", b"\n", b"\0", b" ")
_GROUPS = (
    b"0::", b"1:name=systemd:", b"12:pids:", b"::", b"/", b"\n", b"/..", b".slice", b"-.slice", b"/system.slice",
    b"/a.service", b"/_b.scope", b"/user.slice", b"/user-1000.slice", b"/user@1000.service", b"/session-3.scope",
    b"/init.scope", b" (deleted)", b"\xff", "\x85\u2028".encode(), "\u0661".encode(), b"\x0b", b"\x1c", b"\r", b"@",
    b"\\x2d",
)  # fmt: skip

# What a sender must not be able to say: who it is, and what journalctl takes for the word of a unit's manager.
_OURS = ("OBJECT_", "UDSD_", "COREDUMP_")
_MANAGERS = ("UNIT", "USER_UNIT")

_ABOUT_GROUPS = {f"OBJECT_SYSTEMD_{name}" for name in ("CGROUP", "UNIT", "USER_UNIT", "SLICE", "SESSION", "OWNER_UID")}

_PATH = "/user.slice/user-1000.slice/user@1000.service/app.slice/app.service"
_SOCKET: Field = ("UDSD_SOCKET", b"/run/udsd/udsd.sock")


def _sender(comm: bytes = b"app\n", cmdline: bytes = b"app\0") -> Fields:
    """The most that is ever told of a sender, and the rest of what udsd adds to an entry."""
    ids = identity.fields_of(identity.Sender(7, 1000, 1000))
    told = senders._told(comm, cmdline, _PATH)
    return (*ids, *told, ("UDSD_SENDER_UNPROVEN", b"1"), _SOCKET, ("UDSD_REDELIVERED", b"1"))


def _stored_whole(*parts: Fields) -> Entry:
    """An entry of these parts, of which journald stores these fields and no others, as udsd itself reads it back."""
    fields = [field for part in parts for field in part]
    encoded = b"".join(map(entry.encode, parts))
    assert reference.read(encoded) == fields, "journald would store another entry"
    assert list(entry.decode(encoded)) == fields, "udsd reads its own entry wrong"
    return encoded


def _is_one_safe_line(line: bytes) -> None:
    assert line.endswith(b"\n"), "no newline at the end"
    unsafe = [c for c in line.decode()[:-1] if unicodedata.category(c)[0] in "CZ" and c != " "]
    assert not unsafe, f"not printable: {unsafe}"


def _format(form: formats.Format, promise: Callable[[bytes, Fields], None], payload: bytes) -> None:
    try:
        fields = form.read(payload)
    except flaw.FlawError as error:
        *fields, told = error.fields
        assert told[0] == ("UDSD_DROPPED_FIELDS" if error.dropped else "UDSD_MALFORMED")
        if not error.dropped:
            assert list(fields) == list(text.raw(payload)), "what does not parse is not stored as text"
    names = [name for name, _ in fields]
    assert all(map(reference.is_name, names)), f"not all names are journald's: {names}"
    assert not [n for n in names if n.startswith(_OURS) or n in _MANAGERS], f"not the sender's to say: {names}"
    assert names.count("MESSAGE") == 1, "not one message"
    assert dict(fields)["PRIORITY"] in b"0 1 2 3 4 5 6 7".split(), "no priority of syslog(3)"
    promise(payload, fields)
    _is_one_safe_line(console.line(_stored_whole(fields, _sender()), 0, "host"))


def _raw(payload: bytes, fields: Fields) -> None:
    message = dict(fields)["MESSAGE"]
    left = payload[len(message) :]
    assert payload.startswith(message), "not byte for byte"
    assert left == b"" or (left[:1] == b"\n" and not left[1:].strip(b"\0")), f"more cut off than a line end: {left!r}"
    assert not payload.rstrip(b"\0").endswith(b"\n") or left, "the line end is still there"
    assert [name for name, _ in fields] == ["PRIORITY", "MESSAGE"]
    assert dict(fields)["PRIORITY"] == b"6"


# What each format promises; a format of udsd that is missing here is an error at once.
_FORMATS: dict[str, Callable[[bytes, Fields], None]] = {"raw": _raw}


def _stop(payload: bytes) -> None:
    assert policy.asks_to_stop(payload) is (payload.removesuffix(b"\n") == b"DONE")


def _entry(data: bytes) -> None:
    """The first byte divides the rest into fields; in each the first `=` divides name and value."""
    pairs = [field.partition(b"=") for field in data[1:].split(data[:1])] if data else []
    fields = [(name.decode("latin-1"), value) for name, _, value in pairs]
    good = [(name, value) for name, value in fields if reference.is_name(name)]
    if len(good) < len(fields):
        try:
            entry.encode(fields)
        except ValueError:
            pass
        else:
            raise AssertionError(f"a name that journald skips is let through: {[name for name, _ in fields]}")
    _stored_whole(good[: reference.MOST_FIELDS])


def _console(data: bytes) -> None:
    """A NUL divides the name of a sender from its message."""
    tag, _, message = data.partition(b"\0")
    shown = console.printable(data)
    text = data.decode(errors="surrogateescape")
    _is_one_safe_line(shown.encode() + b"\n")
    harmless = [c for c in text if c.isprintable() and not c.isascii()]
    assert [c for c in shown if not c.isascii()] == harmless, "what is harmless is changed"
    assert not text.isprintable() or shown == text, "what is harmless is changed"
    if b"\\" not in data:
        back = shown.encode("ascii", "backslashreplace").decode("unicode_escape")
        bytes_as_text = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
        assert back == text.translate(bytes_as_text), "escapes that say something else"
    whole = entry.encode([("MESSAGE", message), ("SYSLOG_IDENTIFIER", tag), ("OBJECT_PID", b"7")])
    line = console.line(whole, 0, "host")
    _is_one_safe_line(line)
    assert line.endswith(f" host {console.printable(tag)}[7]: {console.printable(message)}\n".encode())


def _cgroup_table(table: bytes) -> None:
    """The table is what the kernel writes, and names of groups in it are what users choose."""
    path = process.cgroup_path(table)
    if path is not None:
        assert b":" + path.encode(errors="surrogateescape") in table, "not byte for byte"
        _group(path)
    name = table.replace(b"\n", b"")
    outer = b"0::/system.slice/app.service/" + name
    assert process.cgroup_path(outer + b"\n") == outer[3:].decode(errors="surrogateescape"), "not byte for byte"
    old = b"9:pids:/%s\n1:name=systemd:/app.service/%s\n0::/\n" % (name, name)
    assert process.cgroup_path(old) == f"/app.service/{name.decode(errors='surrogateescape')}", "not byte for byte"


def _cgroup_path(data: bytes) -> None:
    """A path that is made of nothing but the sender's bytes, and ones where systemd has made the first names."""
    name = data.decode(errors="surrogateescape")
    _group(name)
    _group("/" + name)
    above = {"OBJECT_SYSTEMD_UNIT": b"app.service", "OBJECT_SYSTEMD_SLICE": b"system.slice"}
    _says("/system.slice/app.service/" + name, above)
    above = {
        "OBJECT_SYSTEMD_UNIT": b"user@1000.service",
        "OBJECT_SYSTEMD_SLICE": b"user-1000.slice",
        "OBJECT_SYSTEMD_OWNER_UID": b"1000",
    }
    _says("/user.slice/user-1000.slice/user@1000.service/" + name, above, "OBJECT_SYSTEMD_USER_UNIT")


def _says(path: str, above: dict[str, bytes], *also: str) -> None:
    """Whatever a user makes below its unit, what is told is what stands above."""
    fields = dict(_group(path))
    shown = fields.pop("OBJECT_SYSTEMD_CGROUP", b"").decode(errors="surrogateescape")
    assert not fields or shown == path, "the path is changed"
    for name in also:
        fields.pop(name, None)
    assert fields == above or (not fields and ".." in path.split("/")), f"the sender chose its unit: {fields}"


def _group(path: str) -> Fields:
    fields = cgroup.fields_of(path)
    told = dict(fields)
    assert len(told) == len(fields), "a field twice"
    assert told.keys() <= _ABOUT_GROUPS, f"unknown: {told.keys()}"
    assert all(told.values()), "an empty value"
    told_of = [name.encode(errors="surrogateescape") for name in path.split("/")]
    assert not fields or (path.startswith("/") and ".." not in path.split("/")), "a path out of our view says something"
    for field in ("OBJECT_SYSTEMD_UNIT", "OBJECT_SYSTEMD_USER_UNIT"):
        unit = told.get(field)
        assert unit is None or unit in told_of or b"_" + unit in told_of, f"{field} is not in the path"
        assert unit is None or (unit.isascii() and unit.decode().isprintable()), f"{field} is no name of a unit"
    owner = told.get("OBJECT_SYSTEMD_OWNER_UID", b"0")
    assert owner.isdigit(), f"not a uid: {owner!r}"  # of bytes: ASCII alone
    _stored_whole(fields, [_SOCKET])
    return fields


def _told(data: bytes) -> None:
    """A NUL divides what prctl(2) sets as the name of a process from what the process makes of its command line."""
    comm, _, cmdline = data.partition(b"\0")
    comm = comm[:15]
    fields = senders._told(comm + b"\n", cmdline, None)
    shown = cmdline[: senders._LONGEST_CMDLINE].removesuffix(b"\0").split(b"\0")
    expected = [("SYSLOG_IDENTIFIER", comm), ("OBJECT_COMM", comm)]
    assert list(fields) == expected + ([("OBJECT_CMDLINE", b" ".join(shown))] if cmdline else [])
    whole = _stored_whole(text.raw(b"hello"), _sender(comm + b"\n", cmdline))
    _is_one_safe_line(console.line(whole, 0, "host"))


TARGETS: dict[str, Target] = {
    **{f"format-{name}": Target(partial(_format, formats.named(name), _FORMATS[name]), _TRAPS) for name in ["raw"]},
    "stop": Target(_stop, _STOPS),
    "entry": Target(_entry, (*_TRAPS, b"|", b"|A=", b"|A_1=", b"|_UID=", b"A" * 65)),
    "console": Target(_console, _TRAPS),
    "cgroup-table": Target(_cgroup_table, _GROUPS),
    "cgroup-path": Target(_cgroup_path, _GROUPS),
    "sender": Target(_told, _TRAPS),
}
