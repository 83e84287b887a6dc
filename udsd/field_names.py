"""Names of journal fields: which ones a sender may set, and how any other name becomes one of these.

Senders use names of their own (JSON members, structured data, attributes of log records). The same rules turn all of
them into field names:

1. Letters become upper case. Each character that is not A-Z, 0-9 or `_` becomes `_`.
2. `_` at the front is removed: journald alone sets fields that begin with it.
3. `X_` is put in front of a name that is now empty or begins with a digit. The same goes for the names that only
   journald, systemd or udsd may set, since `journalctl` trusts them.
4. A name is cut to 64 characters, the longest field name. Each part of a nested name is first cut to 256 characters.
5. Two different names of one datagram never become the same field: the first keeps the name, the others are cut to 59
   characters and get `_2`, `_3` and so on. The same name twice is one field with two values.

The client loads this too, so it imports nothing.
"""

LONGEST = 64  # characters; journald skips a field whose name is longer

_LONGEST_LOOKED_AT = 256  # characters of one name
_LONGEST_STEM = LONGEST - len("_1000")  # the same for all numbers, so that each is tried once

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CLEANED = bytes(byte if chr(byte) in _ALLOWED else ord("_") for byte in range(256))
_RESERVED = frozenset(("UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID"))
_RESERVED_PREFIXES = ("_", "OBJECT_", "COREDUMP_", "UDSD_")


def valid(name: str) -> bool:
    """Whether a field can have this name, whoever sets it. journald ignores all others silently."""
    return 0 < len(name) <= LONGEST and _ALLOWED.issuperset(name) and not name[0].isdigit()


def settable(name: str) -> bool:
    """Whether a sender may set a field of this name (systemd.journal-fields(7))."""
    return valid(name) and not name.startswith(_RESERVED_PREFIXES) and name not in _RESERVED


def sanitize(name: str) -> str:
    """Turn any name into a `settable` one, by rules 1 to 4."""
    return _proper(_within("", name))


def _within(outer: str, name: str) -> str:
    """`name`, cleaned and appended to the cleaned names around it, `outer`: rules 1, 2 and 4, without rule 3."""
    if len(outer) >= LONGEST:
        return outer
    cleaned = name.upper().encode("ascii", "replace").translate(_CLEANED).decode("ascii")
    return f"{outer}_{cleaned}".lstrip("_")[:LONGEST]


def _proper(field: str) -> str:
    return field if settable(field) else f"X_{field}"[:LONGEST]


class Path:
    """A name of one datagram, maybe nested: its cleaned form, its field once it has one, and the names within it."""

    __slots__ = ("cleaned", "field", "inner")

    def __init__(self, cleaned: str) -> None:
        self.cleaned = cleaned
        self.field = ""  # none yet
        self.inner: dict[str, Path] = {}


class Names:
    """The fields for the names of one datagram, by all rules. `taken` are fields that must not be used again.

    `outermost` is the path that all names are within. Each name costs a time linear in its length, whatever else the
    datagram holds: the names around it are cut first, and no number is tried twice.
    """

    def __init__(self, *taken: str) -> None:
        self.outermost = Path("")
        self._used = set(taken)
        self._numbers: dict[str, int] = {}  # the last one that was appended to a stem

    def within(self, path: Path, name: str) -> Path:
        """The path of `name` within `path`. The same name within the same path is the same path."""
        inner = path.inner.get(name)
        if inner is None:
            inner = path.inner[name] = Path(_within(path.cleaned, name[:_LONGEST_LOOKED_AT]))
        return inner

    def field_of(self, path: Path) -> str:
        """The field for a path."""
        if not path.field:
            path.field = self._free(_proper(path.cleaned))
        return path.field

    def field(self, *names: str) -> str:
        """The field for a name, or for a nested name: outermost first, joined by `_`."""
        path = self.outermost
        for name in names:
            path = self.within(path, name)
        return self.field_of(path)

    def _free(self, field: str) -> str:
        if field in self._used:
            stem = field[:_LONGEST_STEM]
            number = self._numbers.get(stem, 1)
            while field in self._used:
                number += 1
                field = sanitize(f"{stem}_{number}")  # OBJECT is free for all, OBJECT_2 is not
            self._numbers[stem] = number
        self._used.add(field)
        return field
