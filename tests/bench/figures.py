"""Numbers from numbers: percentiles, and turns."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")


def percentile(numbers: Sequence[float], percent: float) -> float:
    """The smallest of the numbers that is not exceeded by `percent` of them (the nearest rank)."""
    ranked = sorted(numbers)
    # Rounded, since 99.9 percent of 1000 is a little more than 999 in binary.
    return ranked[max(0, math.ceil(round(len(ranked) * percent / 100, 6)) - 1)]


def spread(numbers: Iterable[float]) -> dict[str, float]:
    """The median of numbers, the lowest and the highest, to four digits."""
    known = list(numbers)
    shown = {"median": median(known), "lowest": min(known), "highest": max(known)}
    return {name: float(f"{number:.4g}") for name, number in shown.items()}


def turned(items: Sequence[Item], turn: int) -> list[Item]:
    """The items in an order that begins with another one each turn."""
    first = turn % len(items)
    return [*items[first:], *items[:first]]
