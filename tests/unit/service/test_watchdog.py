"""What the service manager hears, and when."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd.service.watchdog import Watchdog


class Manager:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def notify(self, *assignments: str) -> None:
        self.heard.append(assignments)


def unasked() -> str:
    raise AssertionError("the words were asked for")


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def calm(manager: Manager) -> Watchdog:
    """One without a watchdog, that has told the state 1 at 100 s."""
    heartbeat = Watchdog(None, manager.notify, 100.0)
    heartbeat.notify(100.0, 1, lambda: "one")
    manager.heard.clear()
    return heartbeat


@pytest.fixture
def watched(manager: Manager) -> Watchdog:
    """One with a watchdog every 15 s, that has told the state 1 at 100 s."""
    heartbeat = Watchdog(15.0, manager.notify, 100.0)
    heartbeat.notify(100.0, 1, lambda: "one")
    manager.heard.clear()
    return heartbeat


@pytest.mark.parametrize("interval", [None, 15.0])
def test_the_first_status_is_due_at_once(manager: Manager, interval: float | None) -> None:
    heartbeat = Watchdog(interval, manager.notify, 100.0)
    assert heartbeat.due("new") == 100.0
    heartbeat.notify(100.0, "new", lambda: "all is well")
    assert manager.heard == [("STATUS=all is well",)]


def test_nothing_is_due_while_the_state_stays(calm: Watchdog) -> None:
    assert calm.due(1) == math.inf


def test_nothing_is_said_and_no_words_are_made_while_the_state_stays(calm: Watchdog, manager: Manager) -> None:
    calm.notify(1e9, 1, unasked)
    assert manager.heard == []


def test_a_status_that_keeps_changing_waits_until_the_last_one_is_a_second_old(
    calm: Watchdog, manager: Manager
) -> None:
    assert calm.due(2) == 101.0
    for state, now in enumerate((100.5, 100.515, 100.53, 100.999), 2):
        calm.notify(now, state, unasked)
    assert manager.heard == []
    calm.notify(101.0, 6, lambda: "six")
    assert manager.heard == [("STATUS=six",)]
    assert calm.due(7) == 102.0


def test_a_new_status_is_due_as_soon_as_it_stays_for_a_moment(calm: Watchdog, manager: Manager) -> None:
    calm.notify(100.125, 2, unasked)
    assert calm.due(2) == 100.125 + 0.02
    calm.notify(100.14, 2, unasked)
    calm.notify(100.125 + 0.02, 2, lambda: "two")
    assert manager.heard == [("STATUS=two",)]
    assert calm.due(2) == math.inf


def test_a_status_after_a_long_calm_is_due_at_once(calm: Watchdog, manager: Manager) -> None:
    assert calm.due(2) <= 500.0
    calm.notify(500.0, 2, lambda: "two")
    assert manager.heard == [("STATUS=two",)]
    assert calm.due(3) == 501.0


def test_a_state_that_returned_to_what_was_told_is_not_told_again(calm: Watchdog, manager: Manager) -> None:
    calm.notify(100.5, 2, unasked)
    calm.notify(100.51, 1, unasked)
    calm.notify(101.0, 1, unasked)
    assert manager.heard == []


def test_equal_states_are_the_same_state(manager: Manager) -> None:
    heartbeat = Watchdog(None, manager.notify, 100.0)
    heartbeat.notify(100.0, [1, "x"], lambda: "one")
    assert heartbeat.due([1, "x"]) == math.inf


def test_the_watchdog_is_due_after_its_interval(watched: Watchdog, manager: Manager) -> None:
    assert watched.due(1) == 115.0
    watched.notify(114.999, 1, unasked)
    assert manager.heard == []
    watched.notify(115.0, 1, unasked)
    assert manager.heard == [("WATCHDOG=1",)]


@pytest.mark.parametrize("now", [115.0, 120.0])
def test_the_watchdog_is_due_again_an_interval_after_the_last_sign_of_life(watched: Watchdog, now: float) -> None:
    watched.notify(now, 1, unasked)
    assert watched.due(1) == now + 15.0


def test_the_first_thing_to_say_is_what_is_due(watched: Watchdog) -> None:
    assert watched.due(2) == 101.0
    watched.notify(114.5, 2, lambda: "two")
    assert watched.due(3) == 115.0


def test_a_status_is_no_sign_of_life(watched: Watchdog, manager: Manager) -> None:
    watched.notify(110.0, 2, lambda: "two")
    assert manager.heard == [("STATUS=two",)]
    assert watched.due(2) == 115.0


def test_the_watchdog_and_the_status_go_together_where_both_are_due(watched: Watchdog, manager: Manager) -> None:
    watched.notify(115.0, 2, lambda: "two")
    assert manager.heard == [("WATCHDOG=1", "STATUS=two")]


@given(st.lists(st.tuples(st.floats(0, 0.019), st.integers(0, 1))))
def test_while_it_keeps_changing_there_is_at_most_one_status_a_second(turns: list[tuple[float, int]]) -> None:
    manager = Manager()
    heartbeat = Watchdog(None, manager.notify, 0.0)
    now = 0.0
    told: list[float] = []
    for state, (wait, more) in enumerate(turns):
        now += wait + more / 2
        heartbeat.notify(now, state, lambda: "words")
        told += [now] * (len(manager.heard) - len(told))
    assert all(later >= earlier + 1.0 for earlier, later in pairwise(told))
