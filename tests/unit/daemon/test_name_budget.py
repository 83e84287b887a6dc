"""New names of fields: those of a steady program are free, an inventor of names runs out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd.daemon.name_budget import MOST, SECONDS, NameBudget
from udsd.journal.entry import Field


def fields(names: range) -> list[Field]:
    return [("MESSAGE", b"x"), ("PRIORITY", b"6"), *((f"N{number}", b"") for number in names)]


def test_a_program_with_the_same_names_all_day_is_never_refused() -> None:
    budget = NameBudget()
    assert all(budget.admit("app", fields(range(MOST)), now) for now in range(0, 86_400, 10))


def test_names_that_others_use_are_free() -> None:
    budget = NameBudget()
    assert budget.admit("one", fields(range(100)), 0.0)
    assert budget.admit("other", fields(range(100)), 0.0)
    assert budget.admit("other", fields(range(100, 100 + MOST)), 0.0)


def test_what_is_refused_costs_nothing() -> None:
    budget = NameBudget()
    assert not budget.admit("app", fields(range(MOST + 1)), 0.0)
    assert budget.admit("app", fields(range(MOST)), 0.0)
    assert not budget.admit("app", fields(range(MOST, MOST + 1)), 0.0)
    assert budget.admit("other", fields(range(MOST, MOST + 1)), 0.0)


def test_new_names_become_free_with_time() -> None:
    budget = NameBudget()
    assert budget.admit("app", fields(range(MOST)), 0.0)
    assert not budget.admit("app", fields(range(1000, 1001)), SECONDS - 1)
    assert budget.admit("app", fields(range(1000, 1001)), SECONDS)
    assert not budget.admit("app", fields(range(1001, 1002)), SECONDS)
    assert budget.admit("app", fields(range(2000, 2000 + MOST)), 1e9)  # not more than at the beginning
    assert not budget.admit("app", fields(range(3000, 3001)), 1e9)


@pytest.mark.parametrize("seconds", [60, 86_400])
def test_an_inventor_of_names_is_bounded(seconds: int) -> None:
    budget, stored = NameBudget(), 0
    for turn in range(2000):
        stored += budget.admit("wiper", fields(range(turn * 100, turn * 100 + 100)), turn * seconds / 2000) * 100
    assert stored <= MOST + seconds / SECONDS


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 60)), max_size=60))
def test_an_account_never_gets_more_new_names_than_its_share(uses: list[tuple[str, int, int]]) -> None:
    budget, seen, charged = NameBudget(), set[str](), dict[str, int]()
    for account, first, number in uses:
        names = {f"N{n}" for n in range(first * 30, first * 30 + number)}
        if budget.admit(account, [(name, b"") for name in names], 0.0):
            charged[account] = charged.get(account, 0) + len(names - seen)
            seen |= names
    assert all(number <= MOST for number in charged.values())
