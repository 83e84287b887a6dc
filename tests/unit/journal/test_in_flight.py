"""Which entries are kept until they are safe."""

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from udsd.journal.in_flight import GRACE, InFlight

MOST = 1024
MOST_BYTES = 1024 * 1024


def holding(*entries: bytes) -> InFlight:
    unread = InFlight()
    for entry in entries:
        unread.add(entry)
    return unread


def in_flight(unread: InFlight) -> list[bytes]:
    """What is still in flight, which is then forgotten."""
    return [entry for entry, _ in unread.take()]


def test_nothing_is_due_when_nothing_is_kept() -> None:
    assert InFlight().due() == math.inf


def test_a_look_is_due_a_while_after_the_last_one() -> None:
    unread = holding(b"a")
    unread.look(100.0, all_read=False)
    assert unread.due() == 100.25


def test_the_first_look_waits_for_nothing() -> None:
    assert holding(b"a").due() <= GRACE  # in the past of any monotonic clock


def test_nothing_is_due_once_all_is_forgotten() -> None:
    unread = holding(b"a")
    unread.look(100.0, all_read=True)
    assert unread.due() == 100.0 + GRACE
    unread.look(101.0, all_read=True)
    assert unread.due() == math.inf


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        ([], [b"a", b"b"]),
        ([True], [b"a", b"b"]),
        ([False, False, False], [b"a", b"b"]),
        ([False, True], [b"a", b"b"]),
        ([True, True], []),
        ([True, False], []),
        ([False, True, False], []),
    ],
)
def test_an_entry_is_forgotten_at_the_look_after_the_one_that_found_it_read(
    looks: list[bool], kept: list[bytes]
) -> None:
    unread = holding(b"a", b"b")
    for turn, all_read in enumerate(looks, start=100):
        unread.look(float(turn), all_read=all_read)
    assert in_flight(unread) == kept


def test_a_look_that_comes_early_changes_nothing() -> None:
    unread = holding(b"a")
    unread.look(100.0, all_read=True)
    unread.look(100.24, all_read=True)
    unread.look(100.24, all_read=False)
    assert unread.due() == 100.25
    unread.look(100.25, all_read=False)
    assert unread.due() == math.inf


def test_what_came_after_a_look_is_kept_at_the_next() -> None:
    unread = holding(b"a", b"b")
    unread.look(1.0, all_read=True)
    unread.add(b"c")
    unread.look(2.0, all_read=False)
    assert in_flight(unread) == [b"c"]


def test_taking_returns_all_in_order_and_leaves_nothing() -> None:
    unread = holding(b"a", b"b", b"a")
    assert in_flight(unread) == [b"a", b"b", b"a"]
    assert in_flight(unread) == []
    assert unread.due() == math.inf


def test_what_is_added_after_taking_is_not_taken_for_read() -> None:
    unread = holding(b"a", b"b")
    unread.look(1.0, all_read=True)
    unread.take()
    unread.add(b"c")
    unread.look(2.0, all_read=False)
    assert in_flight(unread) == [b"c"]


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([b"%d" % n for n in range(MOST)], MOST),
        ([b"%d" % n for n in range(MOST + 1)], MOST),
        ([b"%d" % n for n in range(3 * MOST)], MOST),
        ([bytes(MOST_BYTES - 1), b"b"], 2),
        ([bytes(MOST_BYTES), b"b"], 1),
        ([b"a", bytes(MOST_BYTES - 1), b"c"], 2),
        ([b"a", bytes(MOST_BYTES + 1)], 1),
        ([bytes(MOST_BYTES + 1)], 1),
        ([bytes(MOST_BYTES + 1), bytes(MOST_BYTES + 2)], 1),
    ],
    ids=["most", "most + 1", "most * 3", "most bytes", "most bytes + 1", "room for two", "too large", "alone", "two"],
)
def test_the_newest_within_the_bounds_are_kept(entries: list[bytes], kept: int) -> None:
    assert in_flight(holding(*entries)) == entries[-kept:]


@pytest.mark.parametrize(
    ("still_queued", "in_hand"),
    [((0, 0), [b"c"]), ((1, 1), [b"b"]), ((2, 2), [b"a"]), ((3, 3), []), ((1, 2), [b"a", b"b"]), ((2, 4), [b"a"])],
)
def test_what_was_read_last_is_before_what_is_still_queued(still_queued: tuple[int, int], in_hand: list[bytes]) -> None:
    unread = holding(b"a", b"b", b"c")
    assert list(unread.newest_first()) == [b"c", b"b", b"a"]
    assert [entry for entry, _ in unread.in_hand(*still_queued)] == in_hand


def test_empty_datagrams_have_a_place_in_the_queue_and_are_nothing_to_send_again() -> None:
    unread = InFlight()
    unread.add_empty()
    assert list(unread.newest_first()) == []
    unread.add(b"a")
    unread.add_empty()
    assert list(unread.newest_first()) == [b"", b"a"]
    assert unread.in_hand(0, 0) == []
    assert unread.in_hand(1, 1) == [(b"a", None)]
    assert in_flight(unread) == [b"a"]


def test_empty_datagrams_alone_are_forgotten() -> None:
    unread = holding(b"a")
    unread.look(1.0, all_read=True)
    unread.add_empty()
    unread.look(2.0, all_read=True)
    assert unread.due() == math.inf


@pytest.mark.parametrize("all_read", [True, False])
def test_the_last_forgotten_one_is_stored_when_an_empty_datagram_after_it_has_been_read(all_read: bool) -> None:
    unread = holding(b"a")
    for turn in (1.0, 2.0):
        unread.add_empty()
        unread.look(turn, all_read=all_read or turn == 1.0)
    assert unread.due() == math.inf
    assert unread.in_hand(0, 0) == ([] if all_read else [(b"a", None)])


@pytest.mark.parametrize(("size", "kept"), [(MOST_BYTES, 1), (MOST_BYTES + 1, 0)])
def test_the_last_forgotten_one_may_have_been_read_last_unless_it_is_very_large(size: int, kept: int) -> None:
    unread = holding(b"a", bytes(size))
    unread.look(1.0, all_read=True)
    unread.look(2.0, all_read=True)
    assert unread.due() == math.inf
    assert unread.in_hand(0, 0) == [(bytes(size), None)] * kept
    assert in_flight(unread) == []


def test_taking_gives_all_the_room_back() -> None:
    unread = holding(bytes(MOST_BYTES))
    unread.take()
    entries = [bytes(MOST_BYTES - 1), b"b"]
    for entry in entries:
        unread.add(entry)
    assert in_flight(unread) == entries


def test_forgetting_gives_the_room_back() -> None:
    unread = holding(bytes(MOST_BYTES))
    unread.look(1.0, all_read=True)
    unread.look(2.0, all_read=True)
    entries = [bytes(MOST_BYTES - 1), b"b"]
    for entry in entries:
        unread.add(entry)
    assert in_flight(unread) == entries


def test_what_a_bound_pushed_out_does_not_count_as_read_any_more() -> None:
    unread = holding(b"a", b"b")
    unread.look(1.0, all_read=True)
    rest = [bytes(MOST_BYTES - 1), b"d"]  # no room for `a` beside these, nor for `b`
    for entry in rest:
        unread.add(entry)
    unread.look(2.0, all_read=False)
    assert in_flight(unread) == rest


class KeptUntilSafe(RuleBasedStateMachine):
    """Beside an InFlight, a list that says of each entry whether a look has found it read.

    A look counts when it comes GRACE after the last that counted. What one has found read goes at the next one that
    counts; besides that only the oldest go, and only where a bound is exceeded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unread = InFlight()
        self.unread.look(1000.0, all_read=True)
        self.kept: list[tuple[bytes, bool]] = []
        self.looked = self.now = 1000.0
        self.number = 0

    @rule(times=st.integers(1, 1500), padding=st.sampled_from([0, 0, 0, 100, 10_000, 350_000, MOST_BYTES]))
    def add(self, times: int, padding: int) -> None:
        for _ in range(times if padding <= 100 else 1):
            self.number += 1
            entry = b"%d" % self.number + bytes(padding)
            self.unread.add(entry)
            self.kept.append((entry, False))
        room, within = MOST_BYTES, 0
        for entry, _ in reversed(self.kept[-MOST:]):
            room -= len(entry)
            if room < 0 and within:
                break
            within += 1
        self.kept = self.kept[-within:]

    @rule(wait=st.sampled_from([0.0, GRACE / 2, GRACE, 2 * GRACE]), all_read=st.booleans())
    def look(self, wait: float, all_read: bool) -> None:
        self.now += wait
        self.unread.look(self.now, all_read=all_read)
        if self.now - self.looked >= GRACE:
            self.looked = self.now
            self.kept = [(entry, all_read) for entry, read in self.kept if not read]

    @rule()
    def due(self) -> None:
        assert (self.unread.due() == math.inf) == (not self.kept)

    @rule()
    def take(self) -> None:
        assert in_flight(self.unread) == [entry for entry, _ in self.kept]
        self.kept = []

    def teardown(self) -> None:
        self.take()


TestKeptUntilSafe = KeptUntilSafe.TestCase
