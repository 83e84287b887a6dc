"""The limit of each sender: counts are exact, accounts do not touch each other, the table is bounded."""

import math

from hypothesis import given
from hypothesis import strategies as st

from udsd.daemon.rate_limit import Limit, Limiter


def test_what_is_over_the_limit_is_dropped_until_the_interval_ends_and_reported_then() -> None:
    limiter: Limiter[str] = Limiter(Limit(3, 10.0))
    assert [limiter.admit("a", 100.0 + n) for n in range(5)] == [True] * 3 + [False] * 2
    assert limiter.due() == 110.0
    assert limiter.ended(109.9) == []
    assert limiter.ended(110.0) == [("a", 2)]
    assert limiter.due() == math.inf
    assert limiter.admit("a", 110.0)


def test_one_account_does_not_touch_another() -> None:
    limiter: Limiter[str] = Limiter(Limit(1, 10.0))
    assert limiter.admit("noisy", 0.0)
    assert not limiter.admit("noisy", 0.0)
    assert limiter.admit("quiet", 0.0)


def test_an_account_within_its_limit_has_nothing_to_report() -> None:
    limiter: Limiter[str] = Limiter(Limit(1, 10.0))
    limiter.admit("a", 0.0)
    assert limiter.due() == math.inf
    assert limiter.ended(math.inf) == []


def test_a_datagram_that_comes_back_counts_once() -> None:
    limiter: Limiter[str] = Limiter(Limit(1, 10.0))
    for _ in range(3):
        assert limiter.admit("a", 0.0)
        limiter.withdraw("a")
    assert limiter.admit("a", 0.0)
    assert not limiter.admit("a", 0.0)


def test_without_a_limit_nothing_is_dropped() -> None:
    limiter: Limiter[str] = Limiter(Limit(math.inf, 10.0))
    assert all(limiter.admit("a", 0.0) for _ in range(100_000))


def test_the_table_is_bounded_and_what_leaves_it_early_is_reported() -> None:
    limiter: Limiter[str] = Limiter(Limit(1, 10.0))
    limiter.admit("first", 0.0)
    limiter.admit("first", 0.0)
    reports = []
    for number in range(5000):
        limiter.admit(str(number), 0.0)
        reports += limiter.ended(0.0)
    assert reports == [("first", 1)]
    assert len(limiter) <= 1024


def test_what_is_told_of_an_account_is_what_was_counted_and_each_datagram_once() -> None:
    told: list[tuple[str, int, int]] = []
    limiter: Limiter[str] = Limiter(Limit(2, 10.0), lambda *numbers: told.append(numbers))
    for account in "aab":
        limiter.admit(account, 0.0)
    limiter.admit("a", 0.0)
    limiter.withdraw("b")
    limiter.pass_on()
    limiter.pass_on()
    assert told == [("a", 3, 1)]
    limiter.admit("a", 1.0)
    limiter.admit("b", 1.0)
    limiter.ended(10.0)
    limiter.pass_on()
    assert told[1:] == [("a", 1, 1), ("b", 1, 0)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=200), st.integers(1, 5))
def test_every_datagram_is_either_within_the_limit_or_reported(sent: list[tuple[str, float]], number: int) -> None:
    limiter: Limiter[str] = Limiter(Limit(number, 10.0))
    now, within, reported = 0.0, 0, 0
    for account, later in sent:
        now += later
        reported += sum(dropped for _, dropped in limiter.ended(now))
        within += limiter.admit(account, now)
    reported += sum(dropped for _, dropped in limiter.ended(math.inf))
    assert within + reported == len(sent)
