"""The counts of dropped datagrams, in memory that outlives the process.

A dropped datagram is in no journal: only its count shows that it was sent. A kill must neither lose nor repeat that
count. So it is kept in a memfd that the service manager holds for the next run (FDSTORE in sd_notify(3)).

1. Taking a datagram off its queue and counting it are two steps, and a kill may come between them. So the system call
   that takes it off also leaves a trace in this memory: it receives the first byte into `cell`, which held another
   value. This shows the next run whether the datagram was taken off; if so, that run counts it.
2. A report is an entry in the journal. Its number is set apart before the report is sent, and cleared when journald has
   the entry. If udsd is killed in between, the next run reports the number again, marked as a possible repeat.
3. Each change is one write of at most 16 bytes, or can be repeated without harm.
"""

import mmap
import os
import struct
from typing import NamedTuple

from udsd.senders.identity import Account

_MAGIC = b"udsd drops 1\0\0\0\0"
_HAND = struct.Struct("@QQ")  # the slot of the datagram that is being taken off (0: none), and what its count will be
_HAND_AT, _EXPECTED_AT, _CELL_AT = 16, 32, 33
_FIRST_SLOT_AT = 64
_COUNTS = struct.Struct("@QQ")  # dropped and not reported; set apart for a report
_LONGEST_NAME = 270  # bytes: the kind of account, and the name of a unit (255)
_SLOT = _COUNTS.size + 2 + _LONGEST_NAME
_SLOTS = 1100  # more than there are accounts under the limit
_SIZE = _FIRST_SLOT_AT + _SLOTS * _SLOT
_OTHERS = Account("unknown", "")  # its slot counts for all others when all slots are in use


class Report(NamedTuple):
    """A number to report. `again`: a run that was killed may have reported it already."""

    account: Account
    dropped: int
    again: bool


class DropLedger:
    """The counts in the memory of `descriptor`, a memfd. Memory that is new or not a ledger is cleared."""

    def __init__(self, descriptor: int) -> None:
        if os.fstat(descriptor).st_size != _SIZE:
            os.ftruncate(descriptor, _SIZE)
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._slots: dict[Account, int] = {}
        self._free: list[int] = []
        self.cell = memoryview(self._memory)[_CELL_AT : _CELL_AT + 1]
        if self._memory[: len(_MAGIC)] != _MAGIC:
            self._memory[:] = bytes(_SIZE)
            self._memory[: len(_MAGIC)] = _MAGIC
        self._finish()
        for slot in range(_SLOTS, 0, -1):
            account = self._account(slot)
            if any(self._counts(slot)) and account is not None:
                self._slots[account] = slot
            else:
                self._free.append(slot)

    def begin(self, account: Account, first: int) -> None:
        """Prepare to take off a datagram of this account into `cell`. `first` is its first byte."""
        slot = self._slot(account)
        self._memory[_EXPECTED_AT], self._memory[_CELL_AT] = first, first ^ 0xFF
        self._set_hand(slot, self._counts(slot)[0] + 1)

    def commit(self) -> None:
        """Count the datagram, which has been taken off."""
        slot, count = _HAND.unpack_from(self._memory, _HAND_AT)
        self._set_counts(slot, count, self._counts(slot)[1])
        self._set_hand(0, 0)

    def pending(self) -> list[Report]:
        """What earlier runs left to report."""
        reports = []
        for account, slot in self._slots.items():
            dropped, apart = self._counts(slot)
            if apart:
                reports.append(Report(account, apart, again=True))
            if dropped:
                reports.append(Report(account, dropped, again=False))
        return reports

    def set_apart(self, account: Account) -> int:
        """Set the count of an account apart for a report. Returns the number."""
        slot = self._slot(account)
        dropped, apart = self._counts(slot)
        self._set_counts(slot, 0, dropped + apart)
        return dropped

    def reported(self, account: Account, number: int) -> None:
        """Subtract `number` from the count that was set apart: its report has been stored."""
        slot = self._slot(account)
        dropped, apart = self._counts(slot)
        self._set_counts(slot, dropped, apart - number)
        if not dropped and apart == number:
            self._slots = {known: its for known, its in self._slots.items() if its != slot}
            self._free.append(slot)

    def _finish(self) -> None:
        """If the last run was killed while it took a datagram off, count that datagram if it was taken off."""
        slot, count = _HAND.unpack_from(self._memory, _HAND_AT)
        if 0 < slot <= _SLOTS and self._memory[_CELL_AT] == self._memory[_EXPECTED_AT]:
            self._set_counts(slot, count, self._counts(slot)[1])
        self._set_hand(0, 0)

    def _slot(self, account: Account) -> int:
        slot = self._slots.get(account)
        if slot is None:
            if len(self._free) <= 1 and account != _OTHERS:  # the last is for all others together
                return self._slot(_OTHERS)
            slot = self._slots[account] = self._free.pop()
            at = self._at(slot) + _COUNTS.size
            name = b"\0".join(part.encode(errors="surrogateescape") for part in account)[:_LONGEST_NAME]
            self._memory[at : at + 2 + len(name)] = len(name).to_bytes(2, "little") + name
        return slot

    def _account(self, slot: int) -> Account | None:
        at = self._at(slot) + _COUNTS.size
        length = int.from_bytes(self._memory[at : at + 2], "little")
        kind, nul, name = self._memory[at + 2 : at + 2 + min(length, _LONGEST_NAME)].partition(b"\0")
        return Account(kind.decode(errors="replace"), name.decode(errors="surrogateescape")) if nul else None

    def _at(self, slot: int) -> int:
        return _FIRST_SLOT_AT + (slot - 1) * _SLOT

    def _counts(self, slot: int) -> tuple[int, int]:
        return _COUNTS.unpack_from(self._memory, self._at(slot))

    def _set_counts(self, slot: int, dropped: int, apart: int) -> None:
        at = self._at(slot)
        self._memory[at : at + _COUNTS.size] = _COUNTS.pack(dropped, apart)

    def _set_hand(self, slot: int, count: int) -> None:
        self._memory[_HAND_AT : _HAND_AT + _HAND.size] = _HAND.pack(slot, count)
