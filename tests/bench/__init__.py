"""The benchmark: `tests/bench/run`. README.md of the project shows what it has measured."""
