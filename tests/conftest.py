"""Options, which tests run side by side, and signals as on a terminal."""

import os
import signal
from typing import Any

import pytest
from hypothesis import settings

from tests.side_by_side import Groups, place

# A shell ignores these for what it runs in the background, and so do all that this starts, who are sent them here.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# How long an example takes says more of the machine than of what is tested.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the soak, 5 million datagrams a suite, and no more")
    parser.addoption(
        "--machines",
        choices=("containers", "emulated"),
        default="containers",
        help="emulated: boot the kernel of each suite for each test that can run there, and run no other; takes hours",
    )


def _leaves_out_root() -> bool:
    return os.geteuid() != 0 and not os.environ.get("CI")


def pytest_report_header() -> str | None:
    return "without root: tests that are marked needs_root are left out" if _leaves_out_root() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--soak")
    other = [item for item in items if bool(item.get_closest_marker("soak")) != wanted]
    needs_root = [item for item in items if item.get_closest_marker("needs_root") and item not in other]
    if _leaves_out_root():
        other += needs_root
    config.hook.pytest_deselected(items=other)
    left_out = set(other)
    items[:] = [item for item in items if item not in left_out]
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)
