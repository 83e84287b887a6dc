"""The option for what takes too long to be run each time."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the soak, 5 million datagrams a suite, and no more")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--soak")
    other = [item for item in items if bool(item.get_closest_marker("soak")) != wanted]
    config.hook.pytest_deselected(items=other)
    items[:] = [item for item in items if item not in other]
