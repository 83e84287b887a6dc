"""Calls in several threads at once, and how long a call takes."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.patience import SECONDS


def each(threads: int, call: Callable[[int], object]) -> list[Callable[[], object]]:
    """The call with each number below `threads`."""
    return [functools.partial(call, number) for number in range(threads)]


@contextmanager
def lasts(least: float, below: float = SECONDS) -> Iterator[None]:
    """What is in here takes so long, in seconds.

    `below` is what a fault would take at the least, and far more than what it takes here: a busy machine adds seconds.
    """
    began = time.monotonic()
    yield
    assert least <= time.monotonic() - began < below


def at_once(*calls: Callable[[], object]) -> None:
    """Make all calls, each in a thread of its own, to their end. An exception fails the test."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
