"""Names of journal fields: which ones a sender may set, and how any other name becomes one of these.

Senders have names of their own (JSON members, structured data, attributes of log records). These rules make each of
them the name of a field, and they are the same everywhere:

1. Letters become upper case. Each character that is not A-Z, 0-9 or `_` becomes `_`.
2. `_` at the front is removed: journald alone sets fields that begin with it.
3. `X_` is put in front of a name that is now empty or begins with a digit. The same goes for the names that only
   journald, systemd or udsd may set, since `journalctl` trusts them.
4. A name is cut to the length that a field's name can have. A name within another is cut to 256 characters before.
5. Two different names of one datagram never become the same field: the first keeps the name, the others end in `_2`,
   `_3` and so on. The same name twice is one field with two values.

The client loads this too, so it imports nothing.
"""

LONGEST = 64  # characters; journald skips a field whose name is longer

_LONGEST_LOOKED_AT = 256  # characters of one name; a thousand others may be within it, each of which repeats it

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_RESERVED = frozenset(("UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID"))
_RESERVED_PREFIXES = ("_", "OBJECT_", "COREDUMP_", "UDSD_")


def settable(name: str) -> bool:
    """Whether a sender may set a field of this name (systemd.journal-fields(7))."""
    return (
        0 < len(name) <= LONGEST
        and _ALLOWED.issuperset(name)
        and not name[0].isdigit()
        and not name.startswith(_RESERVED_PREFIXES)
        and name not in _RESERVED
    )


def sanitize(name: str) -> str:
    """A `settable` name made of any name, by rules 1 to 4."""
    field = name.upper()
    if settable(field):
        return field
    field = "".join(c if c in _ALLOWED else "_" for c in field).lstrip("_")[:LONGEST]
    return field if settable(field) else f"X_{field}"[:LONGEST]


class Names:
    """The fields for the names of one datagram, by all rules. `taken` are fields that are not to be used again."""

    def __init__(self, *taken: str) -> None:
        self._used = dict.fromkeys(taken, 1)  # each field, with the last number that was added to it
        self._fields: dict[tuple[str, ...], str] = {}

    def field(self, *names: str) -> str:
        """The field for a name, or for names within each other: the outermost first, joined by `_`."""
        known = self._fields.get(names)
        if known is None:
            known = self._fields[names] = self._free(sanitize("_".join(name[:_LONGEST_LOOKED_AT] for name in names)))
        return known

    def _free(self, field: str) -> str:
        free = field
        while free in self._used:
            self._used[field] += 1
            ending = f"_{self._used[field]}"
            free = sanitize(field[: LONGEST - len(ending)] + ending)  # OBJECT is free for all, OBJECT_2 is not
        self._used[free] = 1
        return free
