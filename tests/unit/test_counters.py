"""The sum of what became of the datagrams, and the words for it."""

import pytest

from udsd.counters import Counters


@pytest.mark.parametrize(
    ("counters", "received"),
    [
        (Counters(), 0),
        (Counters(stored=1), 1),
        (Counters(empty=1), 1),
        (Counters(stops=1), 1),
        (Counters(undelivered=1), 1),
        (Counters(limited=1), 1),
        (Counters(stored=5, refused=2), 5),
        (Counters(stored=1, empty=20, refused=1, stops=300, undelivered=4000), 4321),
    ],
)
def test_received_is_the_sum_in_which_a_refused_done_counts_once(counters: Counters, received: int) -> None:
    assert counters.received == received


def test_items_are_all_counters_received_first() -> None:
    assert Counters(stored=1, empty=2, limited=3, refused=1, stops=4, undelivered=5).items() == [
        ("received", 15),
        ("stored", 1),
        ("empty", 2),
        ("limited", 3),
        ("refused", 1),
        ("stops", 4),
        ("undelivered", 5),
        ("malformed_datagrams", 0),
        ("dropped_fields", 0),
    ]


@pytest.mark.parametrize(
    ("counters", "words"),
    [
        (Counters(), "received 0, stored 0, empty 0, refused 0"),
        (Counters(stored=3, empty=2, refused=1), "received 5, stored 3, empty 2, refused 1"),
        (Counters(stops=1), "received 1, stored 0, empty 0, refused 0, stops 1"),
        (
            Counters(malformed_datagrams=2, dropped_fields=3),
            "received 0, stored 0, empty 0, refused 0, malformed datagrams 2, dropped fields 3",
        ),
        (Counters(undelivered=7), "received 7, stored 0, empty 0, refused 0, undelivered 7"),
        (
            Counters(1, 1, 1, 1, 1, 1),
            "received 5, stored 1, empty 1, limited 1, refused 1, stops 1, undelivered 1",
        ),
    ],
)
def test_words_leave_out_what_hardly_ever_happens(counters: Counters, words: str) -> None:
    assert counters.words() == words
