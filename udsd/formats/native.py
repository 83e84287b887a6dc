r"""The format of sd_journal_send(3): journald's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).

It lets udsd's socket stand in for journald's. Entries are parsed as journald parses them:

1. A field is a line `NAME=value`; or a line `NAME`, then the length of the value as a 64-bit little-endian number, the
   value and a newline. The last field needs its newline too.
2. Lines that begin with `.` or `#`, and empty lines at the end, are skipped. A datagram holds one entry.
3. Fields that a sender may not set are dropped and counted, and the entry records their number. These are journald's
   own (`_`), and those that journalctl trusts to name a unit or a process.
4. Fields with invalid names, such as names in lower case, are skipped, as in journald. They are counted separately,
   since harmless clients send them (systemd-python's JournalHandler, with each record).
5. Descriptors are never accepted. journald's clients pass an entry that is larger than a datagram in a memfd: such a
   client needs journald's own socket.
"""

from collections.abc import Iterator
from functools import lru_cache

from udsd import field_names
from udsd.formats.text import MOST_FIELDS, MalformedError, Parsed, Problem, too_many_fields, unparsed
from udsd.journal.entry import Field

_LENGTH = 8  # bytes


def parse(payload: bytes) -> Parsed:
    """The fields of one entry of the native protocol."""
    fields: list[Field] = []
    dropped = invalid = 0
    try:
        for name, value in _fields(payload):
            if len(name) <= field_names.LONGEST and _settable(name):
                fields.append((name.decode("ascii"), value))
            elif len(name) <= field_names.LONGEST and _valid(name):
                dropped += 1
            else:
                invalid += 1
    except MalformedError as error:
        return unparsed(payload, error.problem)
    if not fields and not dropped:
        return unparsed(payload, Problem("no fields", invalid=invalid))
    return fields, Problem("", dropped=dropped, invalid=invalid) if dropped or invalid else None


@lru_cache(maxsize=1024)
def _settable(name: bytes) -> bool:
    return name.isascii() and field_names.settable(name.decode("ascii"))


@lru_cache(maxsize=1024)
def _valid(name: bytes) -> bool:
    return name.isascii() and field_names.valid(name.decode("ascii"))


def _fields(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = lines = 0
    while at < len(payload):
        end = payload.find(b"\n", at)
        if end < 0:
            raise _cut(at)
        if end == at:
            if payload[at:].strip(b"\n"):
                raise MalformedError("more than one entry")
            return
        lines += 1
        if lines > MOST_FIELDS:  # skipped lines and dropped fields count too
            raise too_many_fields()
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
                raise _cut(at)
            yield payload[at:end], payload[start:stop]
            at = stop + 1


def _cut(at: int) -> MalformedError:
    return MalformedError("ends within a field", f"the one at byte {at}")
