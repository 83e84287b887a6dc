"""How many new field names each account may bring into the journal.

A journal file has room for about 250 field names. When its table is full, journald begins a new file, and deletes the
oldest when there are too many (SystemMaxFiles=, 100). So a sender with 200 new names in each entry could make journald
delete the whole journal within minutes. Hence:

1. A name that was stored recently, from any sender, is free: it takes no new place in the table.
2. Any other name is new, and is charged to the account that uses it. An account may use MOST new names at once, and one
   more every SECONDS. A program that logs the same hundred names all day pays for each name once.
3. A datagram with more new names than that is stored as text.

No I/O here; times are seconds of a monotonic clock, passed in.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable

from udsd.journal.entry import Field

MOST = 128
SECONDS = 60.0  # at this rate one account needs more than three hours to fill a table
_MOST_ACCOUNTS = 1024  # the one that was charged longest ago makes room
_MOST_NAMES = 4096  # in each of two generations

# Fields that most entries of another journal have (systemd.journal-fields(7), and udsd's own); see formats/journalctl.
_ORIGIN = (
    "REALTIME_TIMESTAMP", "SOURCE_REALTIME_TIMESTAMP", "SOURCE_MONOTONIC_TIMESTAMP", "SOURCE_BOOTTIME_TIMESTAMP",
    "PID", "UID", "GID", "COMM", "EXE", "CMDLINE", "CAP_EFFECTIVE", "AUDIT_SESSION", "AUDIT_LOGINUID",
    "SELINUX_CONTEXT", "BOOT_ID", "MACHINE_ID", "HOSTNAME", "TRANSPORT", "STREAM_ID", "LINE_BREAK", "NAMESPACE",
    "RUNTIME_SCOPE", "SYSTEMD_CGROUP", "SYSTEMD_UNIT", "SYSTEMD_USER_UNIT", "SYSTEMD_SLICE", "SYSTEMD_USER_SLICE",
    "SYSTEMD_SESSION", "SYSTEMD_OWNER_UID", "SYSTEMD_INVOCATION_ID", "KERNEL_DEVICE", "KERNEL_SUBSYSTEM",
    "UDEV_SYSNAME", "UDEV_DEVNODE", "UDEV_DEVLINK", "UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID",
    "UDSD_SOCKET", "OBJECT_PID", "OBJECT_UID", "OBJECT_GID", "OBJECT_COMM", "OBJECT_SYSTEMD_CGROUP",
    "OBJECT_SYSTEMD_UNIT", "OBJECT_SYSTEMD_SLICE",
)  # fmt: skip

# The names that the parsers set themselves.
_USUAL = (
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_HOSTNAME",
    "SYSLOG_MSGID", "UDSD_MALFORMED", "UDSD_DROPPED_FIELDS",
    *(f"ORIGIN_{name}" for name in _ORIGIN),
)  # fmt: skip


class NameBudget:
    """The names that were stored recently, and how many new names each account may still use: `most` at once."""

    def __init__(self, most: float = MOST) -> None:
        self._most = most
        self._usual = frozenset(_USUAL)
        self._names: dict[str, None] = {}
        self._older: dict[str, None] = {}
        self._accounts: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # names left, and when

    def admit(self, account: Hashable, fields: Iterable[Field], now: float) -> bool:
        """Whether the account may use all these names. If so, charge the new ones to it; if not, charge none."""
        new = set()
        for name, _ in fields:
            if name not in self._usual and name not in self._names:
                if name in self._older:
                    self._learn(name)
                else:
                    new.add(name)
        if not new:
            return True
        left, then = self._accounts.pop(account, (self._most, now))
        left = min(self._most, left + (now - then) / SECONDS)
        admitted = len(new) <= left
        self._accounts[account] = (left - len(new) if admitted else left, now)
        if len(self._accounts) > _MOST_ACCOUNTS:
            self._accounts.popitem(last=False)
        if admitted:
            for name in new:
                self._learn(name)
        return admitted

    def _learn(self, name: str) -> None:
        if len(self._names) >= _MOST_NAMES:
            self._older, self._names = self._names, {}
        self._names[name] = None
