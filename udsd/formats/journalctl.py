"""What `journalctl -o json` and `-o json-seq` print: entries of another journal, one JSON object each.

They come out as they went in (https://systemd.io/JOURNAL_EXPORT_FORMATS/):

1. An object is such an entry if it has __REALTIME_TIMESTAMP, each of its names can be a field's, and each value has a
   form that journalctl writes: a text; an array of numbers, the bytes of a value that is no text; an array of these,
   several values. Any other object is for `formats.json`.
2. Fields that a sender may set keep their names and values, whatever these are, and no PRIORITY or MESSAGE is added.
3. What journald or udsd said of the entry there is not theirs to say here: `_PID` is ORIGIN_PID, OBJECT_UID is
   ORIGIN_OBJECT_UID. So it stays readable, and apart from the entry's own fields and from what is said of the sender.
4. Names that begin with `__` say where the entry stands in that journal, which means nothing here. Only the time is
   kept, as ORIGIN_REALTIME_TIMESTAMP.
5. An entry without SYSLOG_IDENTIFIER or SYSLOG_PID gets the _COMM and _PID of its origin: readers show these there.
6. null is a value that was too large for journalctl without --all. It is no field; where it was the message, that is
   the whole object, as it was sent.
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
    """The fields of an entry that journalctl has printed, None if the text of the payload is something else."""
    try:
        entry = _DECODER.decode(text)
        return _fields(entry, payload) if isinstance(entry, tuple) else None
    except (ValueError, TypeError, RecursionError):  # of the decoder, and for a value of no such form
        return None


def _fields(entry: tuple[tuple[str, Any], ...], payload: bytes) -> Fields | None:
    values = {name: _values(value) for name, value in entry[: MOST_FIELDS * 2]}
    if len(values) < len(entry) or _TIME not in values or not all(map(field_names.valid, values)):
        return None
    names = field_names.Names(*filter(field_names.settable, values))
    found: list[Field] = []
    for name, said in values.items():
        if field_names.settable(name):
            field = name
        elif name.startswith("__") and name != _TIME:
            continue
        else:
            field = names.field(_PREFIX, name.lstrip("_"))
        found += [(field, value) for value in said]
    if values.get("MESSAGE") == []:
        found.append(("MESSAGE", whole(payload)))
    for name, origin in _SHOWN.items():
        if name not in values:
            found += [(name, value) for value in values.get(origin, ())]
    return found if len(found) <= MOST_FIELDS else None


def whole(payload: bytes) -> bytes:
    """The object as a message: as it was sent, without what stands around it."""
    return trimmed(payload).removeprefix(SEPARATOR.encode())


def _values(value: Any) -> list[bytes]:
    if isinstance(value, list) and value and not isinstance(value[0], int):
        return [_value(one) for one in value[: MOST_FIELDS + 1] if one is not None]  # more are too many
    return [] if value is None else [_value(value)]


def _value(value: Any) -> bytes:
    """The bytes of a value. TypeError or ValueError: of no form that journalctl writes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return bytes(value)
    raise TypeError


def _byte(number: str) -> int:
    return int(number) if len(number) <= 3 else -1  # which no byte is; Python refuses numbers of many digits


_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=_byte)
