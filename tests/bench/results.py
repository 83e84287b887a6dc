"""All that one run has measured, and the medians of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.bench.contenders import Contender
from tests.bench.faults import Fault
from tests.bench.flood import Beside
from tests.bench.footprint import Memory
from tests.bench.hop import Ceiling, Latency
from tests.bench.short_lived import OneShots, Scripts
from tests.bench.throughput import Case, Load


@dataclass
class Results:
    """Each list has what one round after the other has measured; a part that was left out is empty."""

    cases: list[Case] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    activations: list[int] = field(default_factory=list)  # us
    walls: dict[str, list[int]] = field(default_factory=dict)  # us
    shots: list[OneShots] = field(default_factory=list)
    scripts: list[Scripts] = field(default_factory=list)
    besides: list[Beside] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def of(self, contender: Contender, load: Load) -> list[Case]:
        """The cases of a contender under a load."""
        key = (contender.name, load.size, load.senders)
        return [case for case in self.cases if (case.contender, case.size, case.senders) == key]

    def case(self, contender: Contender, load: Load, figure: Callable[[Case], float]) -> float | None:
        """The median of a figure of such cases."""
        return middle(map(figure, self.of(contender, load)))

    def hops(self, way: str, rate: int) -> list[Latency]:
        """The latency cases of a way at a rate."""
        return [case for case in self.latencies if (case.way, case.rate) == (way, rate)]

    def shots_of(self, way: str) -> list[OneShots]:
        """The cases of one-shot senders of a way."""
        return [case for case in self.shots if case.way == way]

    def wall(self, command: str) -> float | None:
        """The median wall time of a command, in us."""
        return middle(self.walls.get(command, ()))


def middle(numbers: Iterable[float]) -> float | None:
    """The median, None where nothing was measured."""
    known = list(numbers)
    return median(known) if known else None
