"""So many datagrams a second, and no more.

1. Each has its time on the monotonic clock, counted from the first, so that a sleep's delay does not add up.
2. Who is late catches up, but only a little: after a full queue, or an input that paused, it goes on at its rate, not
   in a burst.
"""

from _collections_abc import Iterable, Iterator
from time import monotonic, sleep

_CATCH_UP_SECONDS = 0.1


def paced(messages: Iterable[bytes], rate: float) -> Iterator[bytes]:
    """The same messages, `rate` a second."""
    step = 1 / rate
    due = monotonic()
    for message in messages:
        now = monotonic()
        if now < due:
            sleep(due - now)
        yield message
        due = max(due, now - _CATCH_UP_SECONDS) + step
