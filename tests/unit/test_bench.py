"""The benchmark's arithmetic and what it draws; the measuring itself needs a machine."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench.bars import Bar, bars
from tests.bench.contenders import DIRECT, UDSD
from tests.bench.figures import percentile, turned
from tests.bench.plot import Panel, Row, svg
from tests.bench.report import write
from tests.bench.results import Results
from tests.bench.tables import table
from tests.bench.throughput import LOADS, USUAL, Case


def case(contender: str, rate: float, *, stored: int = 1000) -> Case:
    return Case(contender, USUAL.size, USUAL.senders, 1000, stored, stored, 0, stored / rate, 2.0, 10.0, 20.0)


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [(1, 50, 1), (2, 50, 1), (4, 50, 2), (100, 99, 99), (101, 99, 100), (1000, 99.9, 999), (500, 99.9, 500)],
)
def test_percentile_is_the_nearest_rank(count: int, percent: float, expected: int) -> None:
    assert percentile(list(range(count, 0, -1)), percent) == expected


def test_everybody_is_first_in_turn() -> None:
    assert [turned("abc", turn) for turn in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


def test_each_sender_has_the_same_number_to_send() -> None:
    assert all(load.entries % load.senders == 0 for load in LOADS)


def test_a_case_is_exact_only_if_everything_is_stored_once() -> None:
    assert case("udsd", 1.0).exact
    lossy = case("udsd", 1.0, stored=999)
    assert (lossy.exact, lossy.lost) == (False, 1)


def test_bars_are_ratios_of_medians() -> None:
    rates = [(UDSD, 30.0), (UDSD, 90.0), (UDSD, 60.0), (DIRECT, 50.0), (DIRECT, 40.0), (DIRECT, 10.0)]
    cleared = bars(Results(cases=[case(contender.name, rate) for contender, rate in rates]))
    assert cleared[0].figure == "throughput, udsd to direct, 256 B, 1 sender"
    assert cleared[0].measured == pytest.approx(1.5)


def test_what_was_left_out_is_neither_met_nor_missed() -> None:
    assert {bar.met for bar in bars(Results())} == {None}


def test_the_file_has_the_median_and_the_spread_of_each_figure(tmp_path: Path) -> None:
    cases = [case("udsd", rate) for rate in (30.0, 90.0, 60.004)]
    written = write(tmp_path, {"kernel": "6.1"}, Results(cases=cases), [Bar("figure", 2 / 3, 1.0, at_least=True)])
    assert written == [tmp_path / "bench.json", tmp_path / "bench.svg"]
    figures = json.loads(written[0].read_text())
    assert figures["environment"] == [{"kernel": "6.1"}]
    assert (figures["bars"][0]["measured"], figures["bars"][0]["met"]) == (0.6667, False)
    (row,) = figures["throughput"]
    assert (row["contender"], row["rounds"], row["sent"], row["lost"]) == ("udsd", 3, 3000, 0)
    assert row["rate"] == {"median": 60.0, "lowest": 30.0, "highest": 90.0}
    assert figures["latency"] == figures["ceiling"] == []


@pytest.mark.parametrize(
    ("measured", "at_least", "met"), [(2.0, True, True), (1.9, True, False), (2.0, False, True), (2.1, False, False)]
)
def test_a_bar_is_met_up_to_its_limit(measured: float, at_least: bool, met: bool) -> None:
    assert Bar("figure", measured, 2.0, at_least).met is met


def test_columns_of_numbers_are_to_the_right() -> None:
    assert table(("way", "rate"), [("a", "1"), ("bcde", "12,345")]) == (
        "| way  |   rate |\n| ---- | -----: |\n| a    |      1 |\n| bcde | 12,345 |"
    )


def test_the_plot_is_xml_whose_longest_bar_fits() -> None:
    rows = [Row("a & b", [1.0, 2.0], "3"), Row("c", [6.0], "6")]
    drawn = ElementTree.fromstring(svg("title", [Panel("what", "us", rows, ("one", "two"))]))
    space = "{http://www.w3.org/2000/svg}"
    bars_drawn = [float(bar.attrib["width"]) for bar in drawn.iter(f"{space}rect")][2:]  # behind the legend's two
    assert bars_drawn[1] == pytest.approx(2 * bars_drawn[0], abs=0.1)
    assert bars_drawn[2] == pytest.approx(6 * bars_drawn[0], abs=0.5)
    assert bars_drawn[2] < float(drawn.attrib["width"])
    assert "a & b" in [text.text for text in drawn.iter(f"{space}text")]
