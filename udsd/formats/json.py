"""The format of programs that log objects: one JSON object (RFC 8259) per datagram.

1. Each member becomes a field, named by the rules of `field_names`. A nested member has both names, joined by `_`.
   Elements of an array are values of one field; `null` sets no field. Numbers stay as they were written. If there are
   more values than an entry may have, each large array of strings and numbers becomes one field: the array as written.
2. MESSAGE is the first member in the order of _MESSAGES that is a string or a number, and not empty; some may be an
   object that holds it (_MESSAGE_WITHIN). If there is none, MESSAGE is the whole object as it was sent. If a name is
   repeated, the last one counts: loggers write the fields of a call after bound ones. For PRIORITY the first one
   counts: the logger itself wrote it.
3. PRIORITY comes from the first member in the order of _LEVELS with a known value: a name that a well-known logger
   writes, or a number on the scale that goes with the member's name; on other members a number is a level of syslog (1
   to 7), pino or, from 100 on, Monolog. 0 is an emergency only in `priority`. If no value is known, PRIORITY is 6, and
   these members become ordinary fields.
4. The member that became MESSAGE or PRIORITY is not a field as well, unless it was inside an object. Names are compared
   without regard to case.
5. An object with too many values, or nested too deep, becomes the message as it is. PRIORITY comes from its first
   members.
6. `journalctl` parses what journalctl printed. The separator of RFC 7464 may precede any object.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from udsd import priorities
from udsd.field_names import Names, Path
from udsd.formats import journalctl
from udsd.formats.text import MOST_FIELDS, MalformedError, Parsed, too_many_fields, unparsed
from udsd.journal.entry import Field, Fields

_DEEPEST = 32  # levels of nested objects and arrays
_MOST_LOOKED_AT = 4 * MOST_FIELDS  # values, including those that set no field: null, objects and arrays
_MOST_RUNS = 2048  # quotes, and arrays, in an object whose large arrays are kept as written: each takes time
_TOO_MANY = too_many_fields().problem
_BOM = "\ufeff"  # the codec utf-8-sig would take ten times as long
_SEPARATOR, _OF_A_JOURNAL = journalctl.SEPARATOR, journalctl.MARK
_LOWEST = 7  # the least important syslog priority
_LONGEST_NUMBER = 9


def _ranked(*names: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names)}


# Names of members, the best first.
_MESSAGES = _ranked(
    "message", "msg", "@message", "@m", "short_message", "renderedmessage", "event", "body", "log", "record", "fields"
)
_LEVELS = _ranked(
    "PRIORITY", "level", "severity", "priority", "levelname", "log.level", "loglevel", "level_name", "log_level", "lvl",
    "@level", "@l", "severitytext", "severity_text", "logging.googleapis.com/severity", "error_severity", "levelno",
    "severitynumber", "severity_number", "severitylevel", "prio", "log", "record", "@fields", "syslog", "_meta",
    "context", "s",
)  # fmt: skip

# If the member is an object, the names in it that hold the message or the level.
_MESSAGE_WITHIN = {"record": "message", "fields": "message", "body": "stringvalue"}
_LEVEL_WITHIN = {
    "level": ("name", "levelstr"), "log": ("level",), "record": ("level",), "@fields": ("level",),
    "syslog": ("severity",), "_meta": ("loglevelname",), "context": ("loglevel",),
}  # fmt: skip

_ONLY_OBJECTS = _LEVEL_WITHIN.keys() - {"level"}

# The names of syslog, and what other loggers write.
_NAMED = {
    **priorities.LEVELS,
    "emergency": priorities.EMERG,
    # "panic" too: a program that gives up is not an emergency of the machine.
    **dict.fromkeys(("critical", "fatal", "ftl", "f", "panic", "pnc", "dpanic"), priorities.CRIT),
    **dict.fromkeys(("severe", "erro", "eror", "fail", "exception", "e"), priorities.ERR),
    **dict.fromkeys(("wrn", "w"), priorities.WARNING),
    **dict.fromkeys(("information", "informational", "inf", "i", "log", "success", "mark"), priorities.INFO),
    **dict.fromkeys(
        ("debg", "dbug", "dbg", "d", "debug1", "debug5", "trace", "trce", "trc", "verbose", "vrb", "silly", "config",
         "fine", "finer", "finest"), priorities.DEBUG
    ),
}  # fmt: skip
# OpenTelemetry numbers the levels in between.
_NAMED |= {
    f"{name}{n}": _NAMED[name] for name in ("trace", "debug", "info", "warn", "error", "fatal") for n in (2, 3, 4)
}
_MONGODB = ("F", "E", "W", "I", *(f"D{n}" for n in range(1, 6)))  # in its "s"; any other value there is not a level
_NAMED |= {f"d{n}": priorities.DEBUG for n in range(1, 6)}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SLOG_OFFSET = re.compile(r"[+-]\d+\Z")  # of a level between the named ones: ERROR+2, DEBUG-4

# From this number up, this priority.
_PINO = ((60, 2), (50, 3), (40, 4), (30, 6), (10, 7))  # and bunyan's
_MONOLOG = ((601, None), (600, 0), (550, 1), (500, 2), (400, 3), (300, 4), (250, 5), (200, 6), (100, 7))
_GOOGLE = ((800, 0), (700, 1), (600, 2), (500, 3), (400, 4), (300, 5), (200, 6), (100, 7))  # 0: none
_DOTNET = ((6, None), (5, 2), (4, 3), (3, 4), (2, 6), (0, 7))
_OTEL = ((25, None), (21, 2), (17, 3), (13, 4), (9, 6), (1, 7))
_AZURE = ((5, None), (4, 2), (3, 3), (2, 4), (1, 6), (0, 7))
_MYSQL = ((4, None), (3, 6), (2, 4), (1, 3), (0, 6))
_PYTHON = ((50, 2), (40, 3), (30, 4), (20, 6), (1, 7))
_SCALES = {
    "levelno": _PYTHON,
    "loglevel": _DOTNET,
    "severitynumber": _OTEL,
    "severity_number": _OTEL,
    "severitylevel": _AZURE,
    "prio": _MYSQL,
    "logging.googleapis.com/severity": _GOOGLE,
}


_Object = tuple[tuple[str, Any], ...]  # the members in order, including repeated names; an array is a list

_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str)


# The decoder has accepted the JSON that these match.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_BEGIN = re.compile(r"\s*\{")
_MEMBER = re.compile(rf"\s*({_STRING})\s*:\s*({_STRING}|[^\s\"\[{{}},]+)\s*,", re.DOTALL)
_LARGE = re.compile(r"\[[^\[\]{}]{100}")
# Large arrays only: rewriting many small ones would take long.
_FLAT_ARRAY = re.compile(rf'{_STRING}|\[(?=[^\[\]{{}}]{{100}})[^"\[\]{{}}]*+(?:{_STRING}[^"\[\]{{}}]*+)*\]', re.DOTALL)


def parse(payload: bytes) -> Parsed:
    """The fields of a JSON object."""
    members: _Object = ()
    try:
        text = _decoded(payload)
        if _OF_A_JOURNAL in payload and (entry := journalctl.fields(text, payload)):
            return entry, None
        members = _members(text)
        return _fields(members, payload), None
    except RecursionError:
        members, problem = _head(text), _too_deep().problem
    except MalformedError as error:
        problem = error.problem
    if problem == _TOO_MANY and _has_large_arrays(members, text):
        try:
            return _fields(_members(_FLAT_ARRAY.sub(_as_written, text)), payload), None
        except MalformedError as error:
            problem = error.problem
    level = _find(members[:MOST_FIELDS], _LEVELS, _priority)
    return unparsed(payload, problem, [_priority_field(level)])


def _fields(members: _Object, payload: bytes) -> Fields:
    if len(members) > MOST_FIELDS:
        raise too_many_fields()
    message = _find(members, _MESSAGES, _text, last=True)
    level = _find(members, _LEVELS, _priority)
    used = {found.at for found in (message, level) if found}
    names = Names("PRIORITY", "MESSAGE")
    looked_at = 0
    fields: list[Field] = [_priority_field(level)]
    for at, (name, value) in enumerate(members):
        if at not in used:
            for field in _values(names, names.within(names.outermost, name), value, _DEEPEST):
                looked_at += 1
                if field:
                    fields.append(field)
                if len(fields) == MOST_FIELDS or looked_at > _MOST_LOOKED_AT:  # one place is left for the message
                    raise too_many_fields()
    fields.append(("MESSAGE", message.value if message else journalctl.whole(payload)))
    return fields


def _priority_field(level: "_Found | None") -> Field:
    return "PRIORITY", level.value if level else b"%d" % priorities.INFO


def _decoded(payload: bytes) -> str:
    try:
        return payload.rstrip(b"\0").decode().removeprefix(_BOM).removeprefix(_SEPARATOR)
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8", f"at byte {error.start}") from None


def _members(text: str) -> _Object:
    """The members of the object. Raises MalformedError, and RecursionError if it is nested too deeply for Python."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedError("not JSON", str(error)) from None
    if not isinstance(value, tuple):
        raise MalformedError("not a JSON object")
    return value


def _head(text: str) -> _Object:
    """The members before the first object or array, of an object that is nested too deeply for Python."""
    members: list[tuple[str, Any]] = []
    begin = _BEGIN.match(text)
    at = begin.end() if begin else len(text)
    while len(members) < MOST_FIELDS and (member := _MEMBER.match(text, at)):
        members.append((member[1][1:-1], member[2].strip('"')))  # escapes stay: no level has any in its name
        at = member.end()
    return tuple(members)


def _has_large_arrays(members: _Object, text: str) -> bool:
    """Whether it may help, and is cheap enough, to keep each large array as it was written."""
    few = len(members) <= MOST_FIELDS and text.count('"') <= _MOST_RUNS and text.count("[") <= _MOST_RUNS
    return few and _LARGE.search(text) is not None


def _as_written(match: "re.Match[str]") -> str:
    return json.dumps(match[0]) if match[0].startswith("[") else match[0]


class _Found(NamedTuple):
    """The value for MESSAGE or PRIORITY, and the position of its member; -1 if it was inside an object."""

    at: int
    value: bytes


def _find(
    members: _Object, wanted: Mapping[str, int], use: Callable[[str, Any], bytes | None], *, last: bool = False
) -> _Found | None:
    """The member with the first of the wanted names for which `use` returns a value, in any order of members.

    Of members with the same name it is the first; with `last`, the last.
    """
    best = none = len(wanted)
    found = None
    for at, (name, value) in enumerate(members):
        rank = wanted.get(name)
        if rank is None:
            rank = wanted.get(name.lower(), none)
        if (rank < best or (last and rank == best < none)) and (used := use(name.lower(), value)) is not None:
            best, found = rank, _Found(at if isinstance(value, str) else -1, used)  # an object stays a field
    return found


def _text(name: str, value: Any) -> bytes | None:
    if isinstance(value, str):
        return _encoded(value) if value.strip() else None
    inner = _MESSAGE_WITHIN.get(name)
    if inner and isinstance(value, tuple):
        return next((_text("", item) for key, item in value[:MOST_FIELDS] if key.lower() == inner), None)
    return None


def _priority(name: str, value: Any) -> bytes | None:
    if not isinstance(value, str):
        inner = _LEVEL_WITHIN.get(name, ())
        if inner and isinstance(value, tuple):
            levels = ((key.lower(), item) for key, item in value[:MOST_FIELDS])
            return next((_priority(key, item) for key, item in levels if key in inner), None)
        return None
    if name in _ONLY_OBJECTS or (name == "s" and value not in _MONGODB):
        return None  # such as a container's line in "log"
    if "\x1b" in value:
        value = _COLOUR.sub("", value)
    priority = _NAMED.get(_SLOG_OFFSET.sub("", value.strip().lower()))
    if priority is None and value.isascii() and value.isdecimal() and len(value) < _LONGEST_NUMBER:
        number = int(value)
        if name in _SCALES and (name != "loglevel" or number < _LOWEST):
            priority = _on_scale(_SCALES[name], number)
        elif name == "severity" and (number == 0 or number >= 100):
            priority = _on_scale(_GOOGLE, number)
        elif number == 0 and name != "priority":
            priority = None  # an emergency in syslog, an ordinary level in most others
        else:
            priority = number if number <= _LOWEST else _on_scale(_MONOLOG + _PINO, number)
    return None if priority is None else b"%d" % priority


def _on_scale(scale: Sequence[tuple[int, int | None]], number: int) -> int | None:
    return next((priority for least, priority in scale if number >= least), None)


def _values(names: Names, path: Path, value: Any, left: int) -> Iterator[Field | None]:
    """Yield each value in a member as a field, and None for what sets none. `left`: how deep it may be nested."""
    if not left:
        raise _too_deep()
    if isinstance(value, tuple):
        yield None
        for name, inner in value:
            yield from _values(names, names.within(path, name), inner, left - 1)
    elif isinstance(value, list):
        yield None
        for inner in value:
            yield from _values(names, path, inner, left - 1)
    elif value is None:
        yield None
    else:
        yield names.field_of(path), _encoded(value) if isinstance(value, str) else str(value).lower().encode()


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # half of a surrogate pair, which JSON can hold and UTF-8 cannot


def _too_deep() -> MalformedError:
    return MalformedError("nested too deep", f"more than {_DEEPEST} levels")
