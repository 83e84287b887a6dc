"""The option that makes the short run of the fuzzer a long one."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-seconds", type=int, default=0, help="how long to fuzz each target; 0: a short fixed run")
