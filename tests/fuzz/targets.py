"""Everything that parses bytes from senders, and what each of it promises.

A target is a function that takes any bytes, has udsd parse them, and raises where a promise is broken: any exception
of the parser's own, or an AssertionError. tests/fuzz/corpus has a folder for each with inputs that are worth keeping.

To add a format to udsd, add a line to _FORMATS here, with what that format promises beyond what all formats do.
To add another parser, add a line to TARGETS.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from tests.fuzz import reference
from udsd import formats, rfc5424
from udsd.daemon import stop
from udsd.formats import text
from udsd.journal import console, entry
from udsd.journal.entry import Entry, Field, Fields
from udsd.senders import cgroup, credentials, identity

Check = Callable[[bytes], None]
Promise = Callable[[bytes, Fields], None]  # of a datagram that is not malformed


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
_SYSLOG = (
    b"<13>", b"<0>", b"<191>", b"<192>", b"<14>1 ", b"<14>1 - - - - - ", b"Nov 25 02:00:00 ", b"2026-11-25T02:00:00Z ",
    b"tag: ", b"tag[1]: ", b"]: ", b": ", b"vm ", b"- ", b"[", b"[a", b' b="', b'"', b'"]', b"\\", b"] ", b"[a]",
    b"\xef\xbb\xbf", b'[journal@0 A="', b' MESSAGE="', b' _UID="', b' UNIT="', b"\n\0",
)  # fmt: skip
_JSON = (
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"{}", b'""', b"null", b"true", b"1", b"-1.50e5", b"NaN",
    b"\\ud800", b'"a":', b'"A":', b'"":', b'"message":', b'"msg":"x"', b'"level":', b'"info"', b'"levelno":', b"60",
    b'"_uid":1', b'"unit":1', b'{"a":', b'{"msg":"', b'"}', b"\xef\xbb\xbf", b"\n\0", "\u00df".encode(),
)  # fmt: skip

# What a sender must not be able to say: who it is, and what journalctl takes for the word of a unit's manager.
_OURS = ("OBJECT_", "UDSD_", "COREDUMP_")
_MANAGERS = ("UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID")

_LEVELS = (
    "level", "severity", "priority", "levelname", "log.level", "loglevel", "levelno", "level_name", "log_level", "lvl",
    "@level", "@l", "severitytext", "severitynumber", "logging.googleapis.com/severity", "error_severity", "s", "prio",
    "severity_text", "severity_number", "severitylevel",
)  # fmt: skip
_DEEPEST = 32

_SAID_ELSEWHERE = ("PRIORITY", "MESSAGE", "SYSLOG_")  # in a client's datagram

_ABOUT_GROUPS = {f"OBJECT_SYSTEMD_{name}" for name in ("CGROUP", "UNIT", "USER_UNIT", "SLICE", "SESSION", "OWNER_UID")}

_PATH = "/user.slice/user-1000.slice/user@1000.service/app.slice/app.service"
_SOCKET: Field = ("UDSD_SOCKET", b"/run/udsd/udsd.sock")


def _sender(comm: bytes = b"app\n", cmdline: bytes = b"app\0") -> Fields:
    """The most that is ever told of a sender, and the rest of what udsd adds to an entry."""
    ids = credentials.fields_of(credentials.Credentials(7, 1000, 1000))
    told = identity.fields_of_process(comm, cmdline, _PATH)
    return (*ids, *told, ("UDSD_SENDER_UNPROVEN", b"1"), _SOCKET, ("UDSD_REDELIVERED", b"1"))


def _stored_whole(*parts: Fields) -> Entry:
    """An entry of these parts, of which journald stores these fields and no others, as udsd itself reads it back."""
    fields = [field for part in parts for field in part]
    encoded = b"".join(map(entry.encode, parts))
    assert reference.read(encoded) == fields, "journald would store another entry"
    assert list(entry.decode_entry(encoded)) == fields, "udsd reads its own entry wrong"
    return encoded


def _is_one_safe_line(line: bytes) -> None:
    assert line.endswith(b"\n"), "no newline at the end"
    unsafe = [c for c in line.decode()[:-1] if unicodedata.category(c)[0] in "CZ" and c != " "]
    assert not unsafe, f"not printable: {unsafe}"


def _format(parse: formats.Parser, promise: Promise, payload: bytes) -> None:
    fields, told = _read(parse, payload)
    names = [name for name, _ in fields]
    assert all(map(reference.is_name, names)), f"not all names are journald's: {names}"
    assert all(map(_is_a_senders, names)), f"not the sender's to say: {names}"
    assert len(fields) <= text.MOST_FIELDS, "more than journald has room for"
    if not told or told[0] != "UDSD_MALFORMED":
        promise(payload, fields)
    whole = _stored_whole([*fields, *([told] if told else [])], _sender())
    _is_one_safe_line(console.format_line(whole, 0, "host"))


def _read(parse: formats.Parser, payload: bytes) -> tuple[Fields, Field | None]:
    """The sender's fields and what is recorded of a problem."""
    fields, problem = parse(payload)
    if problem is None:
        return fields, None
    if not problem.kind and not problem.dropped:
        assert problem.invalid
        assert not problem.fields()
        return fields, None
    (told,) = problem.fields()
    dropped = problem.dropped
    assert told[0] == ("UDSD_DROPPED_FIELDS" if dropped else "UDSD_MALFORMED")
    if not dropped:
        assert fields[0][0] == "PRIORITY", "no priority"
        assert _one_message(fields) == text.trimmed(payload), "what does not parse is not stored as text"
    assert not dropped or told[1] == b"%d" % dropped
    return fields, told


def _is_a_senders(name: str) -> bool:
    return reference.is_name(name) and not name.startswith(_OURS) and name not in _MANAGERS


def _one_message(fields: Fields) -> bytes:
    names = [name for name, _ in fields]
    assert names.count("MESSAGE") == 1, "not one message"
    assert names.count("PRIORITY") == 1, "not one priority"
    values = dict(fields)
    assert values["PRIORITY"] in b"0 1 2 3 4 5 6 7".split(), "no priority of syslog(3)"
    return values["MESSAGE"]


def _raw(payload: bytes, fields: Fields) -> None:
    message = dict(fields)["MESSAGE"]
    left = payload[len(message) :]
    assert payload.startswith(message), "not byte for byte"
    assert left == b"" or (left[:1] == b"\n" and not left[1:].strip(b"\0")), f"more cut off than a line end: {left!r}"
    assert not payload.rstrip(b"\0").endswith(b"\n") or left, "the line end is still there"
    assert [name for name, _ in fields] == ["PRIORITY", "MESSAGE"]
    assert dict(fields)["PRIORITY"] == b"6"


def _auto(payload: bytes, fields: Fields) -> None:
    """What does not open with a priority is text; what does is read as in the format syslog."""
    if re.match(rb"<(\d|\d\d|1[0-8]\d|19[01]|0\d\d)>", payload):
        _syslog(payload, fields)
        assert list(fields) == list(_read(formats.parser("syslog"), payload)[0])
    else:
        _raw(payload, fields)


def _syslog(payload: bytes, fields: Fields) -> None:
    said = _one_message(fields)
    end = payload.rstrip(b" \t\r\n\0")
    assert end.endswith(said.rstrip(b" \t\r\n\0")), "the message is not the end of the datagram"
    values = dict(fields)
    for name in ("SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_HOSTNAME", "SYSLOG_MSGID"):
        assert values.get(name, b"") in payload, "not byte for byte"
    assert int(values.get("SYSLOG_FACILITY", b"1")) in range(1, 24), "no facility of syslog(3)"


def _json(payload: bytes, fields: Fields) -> None:
    """Each value of the object is in the entry once, as a field, as MESSAGE or as PRIORITY."""
    written = payload.rstrip(b"\0").decode("utf-8-sig").removeprefix("\x1e")
    if "ORIGIN_REALTIME_TIMESTAMP" in dict(fields) and '"__REALTIME_TIMESTAMP"' in written:
        _journalctl(payload, json.loads(written), fields)
        return
    said = _one_message(fields)
    whole = json.loads(written, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    assert isinstance(whole, _Pairs), "no object"
    left = Counter(_leaves(whole, 1))
    left.subtract(value for name, value in fields if name not in ("MESSAGE", "PRIORITY"))
    if left[said] > 0:
        left[said] -= 1
    else:
        within = [inner for name, inner in whole if name.lower() in ("record", "fields", "body")]
        nested = {leaf for inner in within if isinstance(inner, _Pairs) for leaf in _leaves(inner, 1)}
        assert said == text.trimmed(payload).removeprefix(b"\x1e") or said in nested, "a message that nobody wrote"
    assert min(left.values(), default=0) >= 0, "a value that nobody wrote"
    levels = [_leaf(value) for name, value in whole if name.lower() in _LEVELS and not isinstance(value, list | _Pairs)]
    assert all(value in levels for value in left.elements()), "a value is lost"
    assert left.total() <= 1, "more than one level is lost"


def _journalctl(payload: bytes, whole: dict[str, object], fields: Fields) -> None:
    """Each field has a value of the same field of the object, and none of them is lost."""
    assert not {name for name in whole if not re.fullmatch("[A-Z_][A-Z0-9_]*", name)}, "no entry of a journal"
    left = Counter(fields)
    for name, value in whole.items():
        many = isinstance(value, list) and bool(value) and not isinstance(value[0], int)
        values = [_bytes_of(one) for one in (value if isinstance(value, list) and many else [value])]
        for said in values:
            if said is None or (name.startswith("__") and name != "__REALTIME_TIMESTAMP"):
                continue
            if _is_a_senders(name):
                assert left[name, said] > 0, "a value is lost"
                left[name, said] -= 1
            else:
                assert said in [value for origin, value in fields if origin.startswith("ORIGIN_")], "a value is lost"
    added = {name for name, _ in left.elements() if not name.startswith("ORIGIN_")}
    assert added <= {"SYSLOG_IDENTIFIER", "SYSLOG_PID", "MESSAGE"} - {name for name in whole if whole[name] is not None}


def _bytes_of(value: object) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]


class _Pairs(tuple[tuple[str, object], ...]):
    """An object with all its members, those of the same name too."""

    __slots__ = ()


def _leaves(value: object, depth: int) -> Iterator[bytes]:
    if isinstance(value, list | _Pairs):
        assert depth <= _DEEPEST, "nested deeper than it may be"
        for inner in value:
            yield from _leaves(inner[1] if isinstance(value, _Pairs) else inner, depth + 1)
    elif value is not None:
        yield _leaf(value)


def _leaf(value: object) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="backslashreplace")


def _native(payload: bytes, fields: Fields) -> None:
    """Of the same bytes journald would store these fields, and others only if they are not a sender's to set."""
    sees = [field for field in reference.read(payload) if _is_a_senders(field[0])]
    assert list(fields) == sees, "another entry than journald's"


# What each format promises; a format of udsd that is missing here is an error at once.
_FORMATS: dict[str, tuple[Promise, Sequence[bytes]]] = {
    "auto": (_auto, (*_TRAPS, *_SYSLOG)),
    "raw": (_raw, _TRAPS),
    "syslog": (_syslog, (*_TRAPS, *_SYSLOG)),
    "json": (_json, _JSON),
    "native": (
        _native,
        (*_TRAPS, b"A=b\n", b"A\n", b"#", b".", b"UNIT=1\n", b"OBJECT_PID\n", b"a=\n", b"\x02\0\0\0\0\0\0\0"),
    ),
}


def _stop(payload: bytes) -> None:
    assert stop.asks_to_stop(payload) is (payload.removesuffix(b"\n") == b"DONE")


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
    line = console.format_line(whole, 0, "host")
    _is_one_safe_line(line)
    shown = console.tag_of(tag)
    assert not set(" []:") & set(shown), "a line that can be taken apart in two ways"
    assert "\\" in tag.decode(errors="replace") or shown.encode("ascii", "backslashreplace").decode(
        "unicode_escape"
    ) == (console.printable(tag).encode("ascii", "backslashreplace").decode("unicode_escape"))
    assert line.endswith(f" host {shown}[7]: {console.printable(message)}\n".encode())


def _cgroup_table(table: bytes) -> None:
    """The table is what the kernel writes, and names of groups in it are what users choose."""
    path = cgroup.path_in(table)
    if path is not None:
        assert b":" + path.encode(errors="surrogateescape") in table, "not byte for byte"
        _group(path)
    name = table.replace(b"\n", b"")
    leads_out = b".." in name.split(b"/")  # no group has this name
    for whole_table, begin in [
        (b"0::/system.slice/app.service/%s\n" % name, "/system.slice/app.service/"),
        (b"9:pids:/%s\n1:name=systemd:/app.service/%s\n0::/\n" % (name, name), "/app.service/"),
    ]:
        whole = None if leads_out else begin + name.decode(errors="surrogateescape")
        assert cgroup.path_in(whole_table) == whole, "not byte for byte"


def _path_in(data: bytes) -> None:
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
    fields = identity.fields_of_process(comm + b"\n", cmdline, None)
    shown = cmdline[: identity.LONGEST_CMDLINE].removesuffix(b"\0").split(b"\0")
    expected = [("OBJECT_COMM", comm)]
    assert list(fields) == expected + ([("OBJECT_CMDLINE", b" ".join(shown))] if cmdline else [])
    whole = _stored_whole(text.parse(b"hello")[0], _sender(comm + b"\n", cmdline))
    _is_one_safe_line(console.format_line(whole, 0, "host"))


def _wire(data: bytes) -> None:
    """The first byte divides identifier, pid, message and fields; what a client says so is what udsd reads."""
    identifier, pid, message, *rest = [*data[1:].split(data[:1]), b"", b"", b""] if data else [b""] * 3
    pairs = [field.partition(b"=") for field in rest]
    fields = [(name.decode("latin-1"), value) for name, _, value in pairs]
    fields = [field for field in fields if _is_a_senders(field[0]) and not field[0].startswith(_SAID_ELSEWHERE)]
    fields = fields[: text.MOST_FIELDS - 6]
    sent = rfc5424.datagram(message, identifier=identifier, pid=pid, fields=fields)
    said = [("SYSLOG_IDENTIFIER", identifier), ("SYSLOG_PID", pid)]
    expected = [("PRIORITY", b"6"), ("SYSLOG_FACILITY", b"1"), *(field for field in said if field[1]), *fields]
    for name in ("auto", "syslog"):
        read, _ = formats.parser(name)(sent)
        assert sorted(read) == sorted([*expected, ("MESSAGE", text.trimmed(message))]), "not what the client said"


def _target(name: str) -> Target:
    promise, tokens = _FORMATS[name]
    return Target(partial(_format, formats.parser(name), promise), tokens)


TARGETS: dict[str, Target] = {
    **{f"format-{name}": _target(name) for name in formats.NAMES},
    "wire": Target(_wire, (*_TRAPS, *_SYSLOG)),
    "stop": Target(_stop, _STOPS),
    "entry": Target(_entry, (*_TRAPS, b"|", b"|A=", b"|A_1=", b"|_UID=", b"A" * 65)),
    "console": Target(_console, _TRAPS),
    "cgroup-table": Target(_cgroup_table, _GROUPS),
    "cgroup-path": Target(_path_in, _GROUPS),
    "sender": Target(_told, _TRAPS),
}
