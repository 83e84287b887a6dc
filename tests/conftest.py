"""The options for what takes too long to be run each time, which tests run side by side, and signals as on a terminal.

tests/run has several processes run the tests (pytest-xdist), and each takes the next group of tests when it is done:

1. A module of tests/unit is one group. They go first: they are soon done.
2. A module marked `one_machine` is one group for each suite, since its tests share a machine. Those take longest.
3. Any other test is a group by itself: first those with a machine of their own, then all that wait more than they work.
"""

import os
import signal

import pytest

from tests.container.images import SUITES

# A shell ignores these for what it runs in the background, and so do all that this starts, who are sent them here.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the soak, 5 million datagrams a suite, and no more")
    parser.addoption(
        "--machines",
        choices=("containers", "emulated"),
        default="containers",
        help="emulated: boot the kernel of each suite for each test that can run there, and run no other; takes hours",
    )


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--soak")
    other = [item for item in items if bool(item.get_closest_marker("soak")) != wanted]
    needs_root = [item for item in items if item.get_closest_marker("needs_root") and item not in other]
    if os.geteuid() != 0 and not os.environ.get("CI"):
        other += needs_root
    config.hook.pytest_deselected(items=other)
    left_out = set(other)
    items[:] = [item for item in items if item not in left_out]
    if config.getoption("numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        _share_out(items)


def _share_out(items: list[pytest.Item]) -> None:
    for item in items:
        module = item.nodeid.partition("::")[0]
        if module.startswith("tests/unit/"):
            item.add_marker(pytest.mark.xdist_group(module))
        elif item.get_closest_marker("one_machine"):
            item.add_marker(pytest.mark.xdist_group(" ".join([module, *_suites(item)])))
    items.sort(key=_place)


def _suites(item: pytest.Item) -> list[str]:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return [value for value in parameters.values() if value in SUITES]


def _place(item: pytest.Item) -> int:
    folder = item.nodeid.split("/")[1]
    if folder == "container":
        return 1 if item.get_closest_marker("one_machine") else 2
    return 0 if folder == "unit" else 3
