"""Which tests go to the same process."""

from tests.side_by_side import group, place

READY, USE = "tests/container/test_readme.py::test_a[bookworm]", "tests/container/test_readme.py::test_b[bookworm]"


def test_tests_that_share_a_machine_stay_together() -> None:
    assert group(READY) == group(USE) != group(USE.replace("bookworm", "trixie"))
    assert group("tests/container/test_package.py::test_a[sid]") == group(
        "tests/container/test_package.py::test_b[sid-x]"
    )


def test_emulated_machines_are_not_booted_side_by_side() -> None:
    kernels = "tests/container/test_kernels.py::test_a"
    assert group(f"{kernels}[bookworm]") == group(f"{kernels}[trixie]")


def test_tests_that_share_nothing_go_to_whoever_is_free() -> None:
    names = [
        f"tests/{folder}.py::test_{name}" for folder in ("socket/test_send", "container/test_idle") for name in "ab"
    ]
    assert [group(name) for name in names] == names


def test_what_takes_long_is_not_left_for_the_end() -> None:
    order = [
        "tests/unit/test_bench.py::test_a",
        READY,
        "tests/container/test_idle.py::test_a[sid]",
        "tests/fuzz/x.py::y",
    ]
    assert sorted([order[3], order[1], order[2], order[0]], key=place) == order
