r"""The format of sd_journal_send(3): journald's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).

So udsd's socket can stand in for journald's. An entry means here what it means there:

1. A line `NAME=value`, or a line `NAME` and behind it the length of the value as 64 bits little-endian, the value and a
   newline. The last field needs its newline too.
2. Lines that begin with `.` or `#` are passed over, and so are empty ones at the end; there is one entry in a datagram.
3. Fields that a sender may not set, and names that journald would not take, are dropped, and their number is told.
   Beside journald's own (`_`) these are the names by which journalctl takes somebody's word about a unit or a process.
"""

from collections.abc import Iterator
from functools import lru_cache

from udsd.field_names import LONGEST, settable
from udsd.formats.flaw import MOST_FIELDS, FlawError, malformed, too_many_fields, with_dropped
from udsd.journal.entry import Field, Fields

_LENGTH = 8  # bytes


def read(payload: bytes) -> Fields:
    """The fields of an entry of the native protocol. Raises FlawError for what is none, and for dropped fields."""
    fields: list[Field] = []
    dropped = 0
    for name, value in _fields(payload):
        if len(name) <= LONGEST and _settable(name):
            fields.append((name.decode("ascii"), value))
        else:
            dropped += 1
    if dropped:
        raise with_dropped(fields, dropped)
    if not fields:
        raise malformed(payload, "no fields")
    return fields


@lru_cache(maxsize=1024)
def _settable(name: bytes) -> bool:
    return name.isascii() and settable(name.decode("ascii"))


def _fields(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = lines = 0
    while at < len(payload):
        end = payload.find(b"\n", at)
        if end < 0:
            raise _cut(payload, at)
        if end == at:
            if payload[at:].strip(b"\n"):
                raise malformed(payload, "more than one entry")
            return
        lines += 1
        if lines > MOST_FIELDS:  # also of what is not stored: a descriptor has room for millions
            raise too_many_fields(payload)
        equals = payload.find(b"=", at, end)
        if payload.startswith((b".", b"#"), at):
            at = end + 1
        elif equals >= 0:
            yield payload[at:equals], payload[equals + 1 : end]
            at = end + 1
        else:
            start = end + 1 + _LENGTH
            stop = start + int.from_bytes(payload[end + 1 : start], "little")
            if payload[stop : stop + 1] != b"\n":
                raise _cut(payload, at)
            yield payload[at:end], payload[start:stop]
            at = stop + 1


def _cut(payload: bytes, at: int) -> FlawError:
    return malformed(payload, "ends within a field", f"the one at byte {at}")
