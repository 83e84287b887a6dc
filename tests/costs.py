"""What it costs to parse a payload, told without a clock's unit, so that a busy machine does not change it."""

import time
from collections.abc import Callable


def cost(parse: Callable[[bytes], object], payload: bytes) -> float:
    """The processor time that `parse` takes, in units of what an empty loop over the bytes takes beside it."""

    def look() -> None:
        for _ in payload:
            pass

    return _least(lambda: parse(payload)) / _least(look)


def _least(work: Callable[[], object]) -> float:
    """Seconds of processor time: the least of two, since others on the machine only ever add to it."""
    least = float("inf")
    for _ in range(2):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least
