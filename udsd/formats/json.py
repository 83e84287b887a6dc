"""The format of programs that log objects: one JSON object (RFC 8259) a datagram.

1. Each member is a field, its name made by the rules of `names`. A member of a member has both names, joined by `_`.
   Elements of an array are values of one field; `null` is no field. Numbers stay as they were written.
2. MESSAGE is the first of the members `message`, `msg` and `short_message` that is there and is a text or a number.
   Without one it is the whole object, as it was sent.
3. PRIORITY is the first of PRIORITY itself, in capitals, and `level`, `severity`, `priority`, `levelname`, `log.level`,
   `loglevel` and `levelno` that is understood: a name that a well-known logger writes, a number of syslog (0 to 7), or
   a larger one, which is read on pino's scale, from 100 on Monolog's, in `levelno` on Python's. None understood: 6, and
   they are fields as others are.
4. What became MESSAGE or PRIORITY is no field besides. Names are compared without regard to case.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from udsd import priorities
from udsd.field_names import Names, Path
from udsd.formats.text import MOST_FIELDS, MalformedError, Parsed, too_many_fields, trimmed, unparsed
from udsd.journal.entry import Field, Fields

_DEEPEST = 32  # objects and arrays within each other
_MOST_LOOKED_AT = 4 * MOST_FIELDS  # values, also those that are no field: null, objects and arrays
_LOWEST = 7  # of syslog's priorities, which count down
_LONGEST_NUMBER = 9


def _ranked(*names: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names)}


# Names of members, the best first.
_MESSAGES = _ranked("message", "msg", "short_message")
_LEVELS = _ranked("PRIORITY", "level", "severity", "priority", "levelname", "log.level", "loglevel", "levelno")

# The names of syslog, and what other loggers write.
_NAMED = {
    **priorities.LEVELS,
    "emergency": priorities.EMERG,
    # "panic" too: a program gives up, which is no emergency of the machine's.
    **dict.fromkeys(("critical", "fatal", "panic", "dpanic"), priorities.CRIT),
    "severe": priorities.ERR,
    **dict.fromkeys(("information", "informational"), priorities.INFO),
    **dict.fromkeys(("trace", "verbose", "silly", "config", "fine", "finer", "finest"), priorities.DEBUG),
}
_SLOG_OFFSET = re.compile(r"[+-]\d+\Z")  # of a level between those with names: ERROR+2, DEBUG-4

# From this number on, this priority.
_PINO = ((60, 2), (50, 3), (40, 4), (30, 6), (10, 7))  # and bunyan's
_MONOLOG = ((601, None), (600, 0), (550, 1), (500, 2), (400, 3), (300, 4), (250, 5), (200, 6), (100, 7))
_PYTHON = ((50, 2), (40, 3), (30, 4), (20, 6), (1, 7))


_Object = tuple[tuple[str, Any], ...]  # its members in their order, repeated names included; an array is a list

_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str)


def parse(payload: bytes) -> Parsed:
    """The fields of a JSON object."""
    try:
        return _fields(payload), None
    except MalformedError as error:
        return unparsed(payload, error.problem)


def _fields(payload: bytes) -> Fields:
    members = _members(payload)
    said = _find(members, _MESSAGES, _text)
    level = _find(members, _LEVELS, _priority)
    used = {found.at for found in (said, level) if found}
    names = Names("PRIORITY", "MESSAGE")
    looked_at = 0
    fields: list[Field] = [("PRIORITY", level.value if level else b"%d" % priorities.INFO)]
    for at, (name, value) in enumerate(members):
        if at not in used:
            for field in _values(names, names.within(names.outermost, name), value, _DEEPEST):
                looked_at += 1
                if field:
                    fields.append(field)
                if len(fields) == MOST_FIELDS or looked_at > _MOST_LOOKED_AT:  # the message is still to come
                    raise too_many_fields()
    fields.append(("MESSAGE", said.value if said else trimmed(payload)))
    return fields


def _members(payload: bytes) -> _Object:
    try:
        value = _DECODER.decode(payload.rstrip(b"\0").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8", f"at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedError("not JSON", str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, tuple):
        raise MalformedError("not a JSON object")
    if len(value) > MOST_FIELDS:
        raise too_many_fields()
    return value


class _Found(NamedTuple):
    """The place of a member and what it comes to."""

    at: int
    value: bytes


def _find(members: _Object, wanted: Mapping[str, int], use: Callable[[str, Any], bytes | None]) -> _Found | None:
    """The first of the wanted names whose member is of use, whatever the order of the members."""
    best, found = len(wanted), None
    for at, (name, value) in enumerate(members):
        rank = wanted.get(name)
        if rank is None:
            rank = wanted.get(name.lower(), best)
        if rank < best and (used := use(name.lower(), value)) is not None:
            best, found = rank, _Found(at, used)
    return found


def _text(_: str, value: Any) -> bytes | None:
    return _encoded(value) if isinstance(value, str) else None


def _priority(name: str, value: Any) -> bytes | None:
    if not isinstance(value, str):
        return None
    priority = _NAMED.get(_SLOG_OFFSET.sub("", value.strip().lower()))
    if priority is None and value.isascii() and value.isdecimal() and len(value) < _LONGEST_NUMBER:
        number = int(value)
        if name == "levelno":
            priority = _on_scale(_PYTHON, number)
        else:
            priority = number if number <= _LOWEST else _on_scale(_MONOLOG + _PINO, number)
    return None if priority is None else b"%d" % priority


def _on_scale(scale: Sequence[tuple[int, int | None]], number: int) -> int | None:
    return next((priority for least, priority in scale if number >= least), None)


def _values(names: Names, path: Path, value: Any, left: int) -> Iterator[Field | None]:
    """Each value in a member as a field, and None for what is no field. `left`: how deep it may be nested."""
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
