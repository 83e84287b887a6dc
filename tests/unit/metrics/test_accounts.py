"""Who has sent most: numbers are exact, named accounts are few, and no sum ever decreases."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from udsd.metrics.accounts import OTHER, Accounts, Sent


def numbers(sent: Sent) -> tuple[int, int]:
    return sent.datagrams, sent.limited


def test_the_busiest_of_this_and_the_last_period_are_named_with_the_time_since_when() -> None:
    accounts = Accounts()
    accounts.turn(1000.0)
    assert accounts.words(1000.0, 1e9) == ""
    accounts.add("early.service", 50, 0)
    accounts.turn(1030.0)
    for number in range(10):
        accounts.add(f"{number}.service", 10 + number, 0)
    accounts.add("flood.service", 100, 40)
    accounts.add("early.service", 1, 0)
    assert accounts.words(1031.0, 1e9 + 31) == (
        "busiest since 2001-09-09 01:46:40 UTC: flood.service 100 (40 dropped), early.service 51, 9.service 19"
    )
    accounts.turn(1060.0)
    name, sent = accounts.busiest()[1]
    assert (name, numbers(sent)) == ("9.service", (19, 0))
    assert accounts.words(1060.0, 1e9 + 60).startswith("busiest since 2001-09-09 01:47:10 UTC: ")
    accounts.turn(1090.0)
    assert accounts.words(1090.0, 1e9 + 90) == ""


def test_what_comes_after_a_silence_is_of_the_new_period() -> None:
    accounts = Accounts()
    accounts.turn(0.0)
    accounts.add("old.service", 5, 0)
    accounts.turn(9000.0)
    accounts.add("new.service", 1, 0)
    assert accounts.words(9000.0, 1e9) == "busiest since 2001-09-09 01:46:40 UTC: new.service 1"


def test_a_busier_account_takes_the_place_of_the_one_that_has_sent_least_lately() -> None:
    accounts = Accounts()
    accounts.turn(0.0)
    for number in range(20):
        accounts.add(f"{number}.service", 10 + number, number)
    accounts.add("small.service", 9, 0)
    assert set(accounts.totals()) == {f"{number}.service" for number in range(20)} | {OTHER}
    assert numbers(accounts.totals()[OTHER]) == (9, 0)
    accounts.add("small.service", 2, 2)  # 11 lately, more than the 10 of the first
    assert "0.service" not in accounts.totals()
    assert numbers(accounts.totals()["small.service"]) == (2, 2)
    assert numbers(accounts.totals()[OTHER]) == (19, 0)


def test_an_account_that_floods_is_named_however_many_others_there_are() -> None:
    accounts = Accounts()
    accounts.turn(0.0)
    for number in range(5000):
        accounts.add(f"{number}.service", 1, 0)
        accounts.add("flood.service", 10, 0)
    name, sent = accounts.busiest()[0]
    assert (name, numbers(sent)) == ("flood.service", (50_000, 0))
    assert numbers(accounts.totals()["flood.service"]) == (50_000, 0)
    assert len(accounts.totals()) <= 21


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 50), st.integers(0, 1), st.floats(0, 40)), max_size=300))
def test_nothing_is_counted_twice_or_not_at_all_and_other_never_decreases(
    sent: list[tuple[int, int, int, float]],
) -> None:
    accounts, now, other, truth = Accounts(), 0.0, 0, Counter[str]()
    for account, datagrams, limited, later in sent:
        now += later
        accounts.turn(now)
        accounts.add(account, datagrams, limited)
        truth[str(account)] += datagrams
        totals = accounts.totals()
        assert sum(of.datagrams for of in totals.values()) == truth.total()
        assert all(of.datagrams <= truth[name] for name, of in totals.items() if name != OTHER)
        assert totals[OTHER].datagrams >= other
        other = totals[OTHER].datagrams
