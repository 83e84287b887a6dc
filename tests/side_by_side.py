"""Which tests run in one process, and which first, when tests/run has several processes (pytest-xdist).

Each process takes the next group of tests when it is done with one:

1. A module of tests/unit is a group. They go first: they are soon done.
2. A module that is marked `one_machine` is a group for each suite, since its tests share a machine. One that is marked
   `one_process` is a group. Those take longest.
3. Any other test is a group by itself: first those with a machine of their own, then all that wait more than they work.
"""

import re
from functools import cache

from xdist.scheduler import LoadScopeScheduling

from tests.container.images import SUITES
from tests.source import TOP


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """The groups for the scheduler of pytest-xdist, whose own `loadgroup` does nothing with this pytest."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The name of the group that a test is in."""
    module, _, test = nodeid.partition("::")
    if module.startswith("tests/unit/") or _marked(module, "one_process"):
        return module
    if _marked(module, "one_machine"):
        return " ".join([module, *(word for word in re.split(r"[\[\]-]", test) if word in SUITES)])
    return nodeid


def place(nodeid: str) -> int:
    """Where a test comes: the lowest is first."""
    if nodeid.startswith("tests/container/"):
        return 2 if group(nodeid) == nodeid else 1
    return 0 if nodeid.startswith("tests/unit/") else 3


@cache
def _marked(module: str, mark: str) -> bool:
    return f"\npytestmark = pytest.mark.{mark}\n" in (TOP / module).read_text()
