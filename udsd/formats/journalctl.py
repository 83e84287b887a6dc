"""Output of `journalctl -o json` and `-o json-seq`: entries of another journal, one JSON object each.

The entries are stored as they were (https://systemd.io/JOURNAL_EXPORT_FORMATS/):

1. An object is such an entry if it has __REALTIME_TIMESTAMP, each of its names is a valid field name, and each value
   has a form that journalctl writes: a string; an array of numbers, for the bytes of a value that is not text; an array
   of these, for several values. `formats.json` parses any other object.
2. Fields that a sender may set keep their names and values unchanged, and no PRIORITY or MESSAGE is added.
3. Fields that only journald or udsd may set are renamed: `_PID` becomes ORIGIN_PID, OBJECT_UID becomes
   ORIGIN_OBJECT_UID. They stay readable, and apart from the entry's own fields and from those of its sender.
4. Names that begin with `__` give the entry's position in that journal, which means nothing here. Only the time is
   kept, as ORIGIN_REALTIME_TIMESTAMP.
5. If there is no SYSLOG_IDENTIFIER or SYSLOG_PID, it is set from _COMM or _PID, which readers show instead.
6. null is a value that was too large for journalctl without --all. It sets no field; if it was the message, the whole
   object as it was sent becomes the message.
"""

import json
from typing import Any

from udsd import field_names
from udsd.formats.text import MOST_FIELDS, trimmed
from udsd.journal.entry import Field, Fields

SEPARATOR = "\x1e"  # before each object of a JSON sequence (RFC 7464)

_TIME = "__REALTIME_TIMESTAMP"
MARK = f'"{_TIME}"'.encode()  # in each payload that may be such an entry
_PREFIX = "ORIGIN"
_SHOWN = {"SYSLOG_IDENTIFIER": "_COMM", "SYSLOG_PID": "_PID"}


def fields(text: str, payload: bytes) -> Fields | None:
    """The fields of an entry that journalctl printed; None if `text`, the decoded payload, is something else."""
    try:
        entry = _DECODER.decode(text)
        return _fields(entry, payload) if isinstance(entry, tuple) else None
    except (ValueError, TypeError, RecursionError):  # from the decoder, and for a value that journalctl does not write
        return None


def _fields(entry: tuple[tuple[str, Any], ...], payload: bytes) -> Fields | None:
    values = {name: _values(value) for name, value in entry[: MOST_FIELDS * 2]}
    if len(values) < len(entry) or _TIME not in values or not all(map(field_names.valid, values)):
        return None
    names = field_names.Names(*filter(field_names.settable, values))
    found: list[Field] = []
    for name, of_name in values.items():
        if field_names.settable(name):
            field = name
        elif name.startswith("__") and name != _TIME:
            continue
        else:
            field = names.field(_PREFIX, name.lstrip("_"))
        found += [(field, value) for value in of_name]
    if values.get("MESSAGE") == []:
        found.append(("MESSAGE", whole(payload)))
    for name, origin in _SHOWN.items():
        if name not in values:
            found += [(name, value) for value in values.get(origin, ())]
    return found if len(found) <= MOST_FIELDS else None


def whole(payload: bytes) -> bytes:
    """The object as a message: as it was sent, without the separator before it, and `trimmed`."""
    return trimmed(payload).removeprefix(SEPARATOR.encode())


def _values(value: Any) -> list[bytes]:
    if isinstance(value, list) and value and not isinstance(value[0], int):
        return [_value(one) for one in value[: MOST_FIELDS + 1] if one is not None]  # one too many is enough
    return [] if value is None else [_value(value)]


def _value(value: Any) -> bytes:
    """The bytes of a value. Raises TypeError or ValueError for a form that journalctl does not write."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return bytes(value)
    raise TypeError


def _byte(number: str) -> int:
    return int(number) if len(number) <= 3 else -1  # -1 is not a byte; Python refuses numbers of many digits


_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=_byte)
