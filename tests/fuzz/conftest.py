"""How long the fuzzer runs."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-runs", type=int, default=2_000, help="inputs of the short run for each target")
    parser.addoption("--fuzz-seconds", type=int, default=0, help="how long to fuzz each target; 0: a short fixed run")
