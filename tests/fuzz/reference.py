"""A second reader of journald's native protocol, to judge the entries that udsd writes.

It shares nothing with udsd/journal/entry.py. It is written from https://systemd.io/JOURNAL_NATIVE_PROTOCOL/, and is as
lenient as journald itself, since that is how an entry goes wrong without a word. What journald makes of a datagram:

1. A line with `=` is a field, up to its newline. A line without is the name of a field whose length follows, in 64 bits
   little-endian, then its value, then a newline.
2. An empty line ends the entry: what stands behind it is not stored.
3. A last line without a newline is dropped; so is a length that the rest of the datagram does not bear out, and
   everything behind it.
4. A field whose name a client may not set is skipped. So is a line that begins with `.` or `#`.
5. An entry of more than 1024 fields is dropped as a whole.
"""

import string

Read = list[tuple[str, bytes]]

MOST_FIELDS = 1024
_NAME_MAX = 64
_FIRST = string.ascii_uppercase
_LATER = string.ascii_uppercase + string.digits + "_"


def is_name(name: str) -> bool:
    """Whether journald lets a client set a field of this name."""
    return 0 < len(name) <= _NAME_MAX and name[0] in _FIRST and all(character in _LATER for character in name)


def read(datagram: bytes) -> Read:
    """The fields that journald stores of a datagram, in their order."""
    found: Read = []
    rest = datagram
    while True:
        line, newline, rest = rest.partition(b"\n")
        if not newline or not line:
            break
        if line[:1] in (b".", b"#"):
            continue
        name, equals, value = line.partition(b"=")
        if not equals:
            length, rest = int.from_bytes(rest[:8], "little"), rest[8:]
            if rest[length : length + 1] != b"\n":
                break
            value, rest = rest[:length], rest[length + 1 :]
        text = name.decode("latin-1")
        if is_name(text):
            found.append((text, value))
    return found if len(found) <= MOST_FIELDS else []
