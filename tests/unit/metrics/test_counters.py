"""The sum of what became of the datagrams, and the words for it."""

from collections import Counter

import pytest

from udsd.metrics.counters import Counters, total


def limited(number: int) -> Counter[str]:
    return Counter({"user": number})


@pytest.mark.parametrize(
    ("counters", "received"),
    [
        (Counters(), 0),
        (Counters(stored=1), 1),
        (Counters(empty=1), 1),
        (Counters(stops_obeyed=1), 1),
        (Counters(undelivered=1), 1),
        (Counters(limited_by=Counter({"user": 1, "unit": 2})), 3),
        (Counters(stored=5, stops_refused=2), 5),
        (Counters(stored=5, malformed_by=Counter({"not JSON": 2}), dropped_fields=7, bytes=100, largest=50), 5),
        (Counters(stored=1, empty=20, stops_refused=1, stops_obeyed=300, undelivered=4000), 4321),
    ],
)
def test_received_is_the_sum_in_which_a_refused_done_counts_once(counters: Counters, received: int) -> None:
    assert counters.received == received


def test_items_are_all_counters_received_first_and_kinds_last() -> None:
    counters = Counters(
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
        (Counters(), "received 0, stored 0, empty 0"),
        (Counters(stored=3, empty=2, stops_refused=1), "received 5, stored 3, empty 2, DONE refused 1"),
        (Counters(stops_obeyed=1), "received 1, stored 0, empty 0, DONE obeyed 1"),
        (Counters(undelivered=7), "received 7, stored 0, empty 0, undelivered 7"),
        (Counters(bytes=7, largest=7), "received 0, stored 0, empty 0"),
        (
            Counters(malformed_by=Counter({"no fields": 2}), dropped_fields=3, invalid_names=4),
            "received 0, stored 0, empty 0, malformed 2, fields dropped 3",
        ),
        (
            Counters(1, 1, 1, 1, 1, limited_by=limited(1)),
            "received 5, stored 1, empty 1, dropped over the limit 1, DONE refused 1, DONE obeyed 1, undelivered 1",
        ),
    ],
)
def test_words_leave_out_what_hardly_ever_happens(counters: Counters, words: str) -> None:
    assert counters.words() == words


def test_the_whole_is_the_sum_of_its_parts_but_for_the_largest() -> None:
    one = Counters(1, 2, 3, 4, 5, 6, 7, 8, limited(9), Counter({"no fields": 1}))
    other = Counters(10, 20, 30, 40, 50, 60, 70, 5, limited(90), Counter({"no fields": 1, "not JSON": 1}))
    whole = Counters(11, 22, 33, 44, 55, 66, 77, 8, limited(99), Counter({"no fields": 2, "not JSON": 1}))
    assert total([one, other]) == whole
    assert total([]) == Counters()
