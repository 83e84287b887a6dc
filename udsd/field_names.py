"""Names of journal fields: which ones a sender may set, and how any other name is made into one.

Senders name things in their own ways (JSON members, structured data, attributes of log records). Such a name
becomes a field by these rules, and the same ones everywhere:

1. Letters become upper case. What is not A-Z, 0-9 or `_` becomes `_`, each character by itself.
2. `_` at the front is taken off: those names are journald's own to set.
3. `X_` is put in front of what then begins with a digit or is empty, and of the names that only journald, systemd or
   udsd may set, since `journalctl` takes them for their word.
4. What is longer than a name can be is cut, and of names within names each that is longer than 256 characters before.
5. Where two different names of one datagram come out the same, the first keeps it, and the others get `_2`, `_3` and
   so on behind theirs. The same name twice is one field with two values.

The client loads this too, so it imports nothing.
"""

LONGEST = 64  # characters; journald passes over a field with a longer name

_LONGEST_LOOKED_AT = 256  # characters of one name: it may come again with each of a thousand others in it

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_RESERVED = frozenset(("UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID"))
_RESERVED_PREFIXES = ("_", "OBJECT_", "COREDUMP_", "UDSD_")


def settable(name: str) -> bool:
    """Whether this is the name of a field, and one that a sender may set (systemd.journal-fields(7))."""
    return (
        0 < len(name) <= LONGEST
        and _ALLOWED.issuperset(name)
        and not name[0].isdigit()
        and not name.startswith(_RESERVED_PREFIXES)
        and name not in _RESERVED
    )


def made(name: str) -> str:
    """The field for a thing of this name: `settable`, by rules 1 to 4."""
    field = name.upper()
    if settable(field):
        return field
    field = "".join(c if c in _ALLOWED else "_" for c in field).lstrip("_")[:LONGEST]
    return field if settable(field) else f"X_{field}"[:LONGEST]


class Names:
    """The names of one datagram: a field for each, by rule 5. `taken` are fields that others have already."""

    def __init__(self, *taken: str) -> None:
        self._used = dict.fromkeys(taken, 1)  # fields, with the last number that was put behind each
        self._fields: dict[tuple[str, ...], str] = {}

    def field(self, *names: str) -> str:
        """The field for a thing of this name, or of these where it is within others: outermost first, joined by `_`."""
        known = self._fields.get(names)
        if known is None:
            known = self._fields[names] = self._free(made("_".join(name[:_LONGEST_LOOKED_AT] for name in names)))
        return known

    def _free(self, field: str) -> str:
        free = field
        while free in self._used:
            self._used[field] += 1
            ending = f"_{self._used[field]}"
            free = made(field[: LONGEST - len(ending)] + ending)  # OBJECT is free for all, OBJECT_2 is not
        self._used[free] = 1
        return free
