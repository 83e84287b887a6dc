"""The sum of what became of the datagrams, and the words for it."""

from collections import Counter

import pytest

from udsd.metrics.counters import Counters, total


def counted(**values: object) -> Counters:
    counters = Counters()
    for name, value in values.items():
        setattr(counters, name, value)
    return counters


def limited(number: int) -> Counter[str]:
    return Counter({"user": number})


@pytest.mark.parametrize(
    ("counters", "received"),
    [
        (counted(), 0),
        (counted(stored=1), 1),
        (counted(empty=1), 1),
        (counted(stops_obeyed=1), 1),
        (counted(undelivered=1), 1),
        (counted(limited_by=Counter({"user": 1, "unit": 2})), 3),
        (counted(stored=5, stops_refused=2), 5),
        (counted(stored=5, malformed_by=Counter({"not JSON": 2}), dropped_fields=7, bytes=100, largest=50), 5),
        (counted(stored=1, empty=20, stops_refused=1, stops_obeyed=300, undelivered=4000), 4321),
    ],
)
def test_received_is_the_sum_in_which_a_refused_done_counts_once(counters: Counters, received: int) -> None:
    assert counters.received == received


def test_items_are_all_counters_received_first_and_kinds_last() -> None:
    counters = counted(
        stored=1, empty=2, limited_by=limited(3), stops_refused=1, stops_obeyed=4, undelivered=5, bytes=6, largest=7
    )
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
            counted(malformed_by=Counter({"no fields": 2}), dropped_fields=3, invalid_names=4),
            "received 0, stored 0, empty 0, malformed 2, fields dropped 3",
        ),
        (
            counted(stored=1, empty=1, stops_refused=1, stops_obeyed=1, undelivered=1, limited_by=limited(1)),
            "received 5, stored 1, empty 1, dropped over the limit 1, DONE refused 1, DONE obeyed 1, undelivered 1",
        ),
    ],
)
def test_words_leave_out_what_hardly_ever_happens(counters: Counters, words: str) -> None:
    assert counters.words() == words


def test_the_whole_is_the_sum_of_its_parts_but_for_the_largest() -> None:
    names = ("stored", "empty", "stops_refused", "stops_obeyed", "undelivered", "dropped_fields", "bytes", "largest")
    one = counted(**dict(zip(names, (1, 2, 3, 4, 5, 6, 7, 8), strict=True)))
    one.limited_by, one.malformed_by = limited(9), Counter({"no fields": 1})
    other = counted(**dict(zip(names, (10, 20, 30, 40, 50, 60, 70, 5), strict=True)))
    other.limited_by, other.malformed_by = limited(90), Counter({"no fields": 1, "not JSON": 1})
    whole = counted(**dict(zip(names, (11, 22, 33, 44, 55, 66, 77, 8), strict=True)))
    whole.limited_by, whole.malformed_by = limited(99), Counter({"no fields": 2, "not JSON": 1})
    assert total([one, other]).items() == whole.items()
    assert total([]).items() == counted().items()
