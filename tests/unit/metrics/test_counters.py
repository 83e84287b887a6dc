"""The sum of what became of the datagrams, and the words for it."""

import pytest

from udsd.metrics.counters import Counters, total

_NO_SUMS = ("received", "limited", "malformed_datagrams", "largest")


def counted(*, limited: int = 0, **numbers: int) -> Counters:
    counters = Counters()
    counters.limited_by["user"] = limited
    for name, number in numbers.items():
        setattr(counters, name, number)
    return counters


def with_problems(counters: Counters, *kinds: str) -> Counters:
    counters.malformed_by.update(kinds)
    return counters


@pytest.mark.parametrize(
    ("counters", "received"),
    [
        (counted(), 0),
        (counted(stored=1), 1),
        (counted(empty=1), 1),
        (counted(stops_obeyed=1), 1),
        (counted(undelivered=1), 1),
        (counted(limited=3), 3),
        (counted(stored=5, stops_refused=2), 5),
        (with_problems(counted(stored=5, dropped_fields=7, bytes=100, largest=50), "not JSON", "not JSON"), 5),
        (counted(stored=1, empty=20, stops_refused=1, stops_obeyed=300, undelivered=4000), 4321),
    ],
)
def test_received_is_the_sum_in_which_a_refused_done_counts_once(counters: Counters, received: int) -> None:
    assert counters.received == received


def test_items_are_all_counters_received_first_and_kinds_last() -> None:
    counters = counted(stored=1, empty=2, limited=3, stops_refused=1, stops_obeyed=4, undelivered=5, bytes=6, largest=7)
    counters.note("not JSON", 0, 0)
    counters.note("", 2, 3)
    assert counters.items() == [
        ("received", 15),
        ("stored", 1),
        ("empty", 2),
        ("stops_refused", 1),
        ("limited", 3),
        ("stops_obeyed", 4),
        ("undelivered", 5),
        ("malformed_datagrams", 1),
        ("dropped_fields", 2),
        ("invalid_names", 3),
        ("unidentified", 0),
        ("bytes", 6),
        ("largest", 7),
        ("limited_user", 3),
        ("malformed_not_JSON", 1),
    ]


@pytest.mark.parametrize(
    ("counters", "words"),
    [
        (counted(), "received 0, stored 0, empty 0"),
        (counted(stored=3, empty=2, stops_refused=1), "received 5, stored 3, empty 2, DONE refused 1"),
        (counted(stops_obeyed=1), "received 1, stored 0, empty 0, DONE obeyed 1"),
        (counted(undelivered=7), "received 7, stored 0, empty 0, undelivered 7"),
        (counted(bytes=7, largest=7), "received 0, stored 0, empty 0"),
        (
            with_problems(counted(dropped_fields=3, invalid_names=4), "no fields", "no fields"),
            "received 0, stored 0, empty 0, malformed 2, fields dropped 3",
        ),
        (
            counted(stored=1, empty=1, limited=1, stops_refused=1, stops_obeyed=1, undelivered=1),
            "received 5, stored 1, empty 1, dropped over the limit 1, DONE refused 1, DONE obeyed 1, undelivered 1",
        ),
    ],
)
def test_words_leave_out_what_hardly_ever_happens(counters: Counters, words: str) -> None:
    assert counters.words() == words


def test_the_whole_is_the_sum_of_its_parts_but_for_the_largest() -> None:
    sums = [name for name, number in Counters().items() if name not in _NO_SUMS]
    one = with_problems(
        counted(**{name: number for number, name in enumerate(sums)}, limited=9, largest=8), "no fields"
    )
    other = with_problems(counted(**dict.fromkeys(sums, 100), limited=90, largest=5), "no fields", "not JSON")
    whole = counted(**{name: 100 + number for number, name in enumerate(sums)}, limited=99, largest=8)
    with_problems(whole, "no fields", "no fields", "not JSON")
    assert total([one, other]).items() == whole.items()
    assert total([]).items() == Counters().items()
