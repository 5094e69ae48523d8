"""The comparison: what RULEBOOK §8 knows of the paper's figures, by every format."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from math import exp, isnan, log
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from risk.price_scenarios import PRICE_SCENARIOS
from services.backtest.index_series import shipped_index
from services.cli import cli
from services.console import paper_command
from services.console.docs_command import DOCUMENTS
from services.paper import comparison as by_default
from services.paper.comparison import Comparison, compare
from services.paper.formats import HEADS, PAPER_LINES
from services.paper.page import paper_page
from tests.browser import said_of
from tests.paper_document import REWRITE_PAPER, with_figures

TEXT = DOCUMENTS["paper"].text
TABLE = "return rows(page.querySelector('table'));"
WIDTHS = """
    const root = page.documentElement;
    const sticks = element => element.getBoundingClientRect().right > root.clientWidth + 1;
    const free = [...page.body.querySelectorAll("*")].filter(e => e.closest(".scroll") === null);
    return [root.scrollWidth, free.filter(sticks).map(e => e.outerHTML.slice(0, 80))];
"""


@pytest.fixture(scope="module")
def full() -> Comparison:
    """As `clearing paper` makes it."""
    return compare(by_default.PATHS, seed=by_default.SEED, index=shipped_index())


@pytest.fixture(scope="module")
def small() -> Comparison:
    """Of few paths."""
    return compare(by_default.PATHS_MIN, seed=3, index=shipped_index())


def row(comparison: Comparison, figure: str, reading: str) -> tuple[float, float | None, str]:
    """Ours, its error, and whether the paper's figure follows."""
    (chosen,) = [
        one for one in comparison.rows if one.figure == figure and one.reading.startswith(reading)
    ]
    return (*chosen.estimate, chosen.follows)


def test_the_figures_of_the_document_are_those_the_program_makes_now(full: Comparison) -> None:
    made = with_figures(TEXT, [*PAPER_LINES["md"](full)])
    assert made == TEXT, f"{REWRITE_PAPER} writes them into PAPER.md"


def test_the_document_has_every_scenario_with_its_parameters() -> None:
    for name, scenario in PRICE_SCENARIOS.items():
        (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
        cells = [cell.strip().replace("−", "-") for cell in line.split("|")[2:-2]]
        model = scenario.model
        numbers = [model.kappa, model.beta, model.gamma, model.season_years, model.sigma]
        numbers += [model.jump_rate, model.jump_mean, model.jump_sd]
        assert [float(cell) for cell in cells if cell != "ln 2"] == numbers


@pytest.mark.parametrize(
    ("figure", "reading", "low", "high", "follows"),
    [
        ("half-life of a distance to the level", "ln 2", 3.32, 3.33, "no"),
        ("mean path", "its highest", 2.205, 2.215, "no"),
        ("mean path", "time of", 4, 5, "no"),
        ("paths that double from their start", "at some close", 0.14, 0.16, "yes"),
        ("fall of the deviation", "1 −", 0.5305, 0.5315, "no"),
        ("initial margin, eq. 7", "two days, with jumps", 0.164, 0.165, "no"),
        ("efficiency at a correlation of 0.85", "ρ²", 0.7224, 0.7226, "yes"),
        ("volatility of a future, by the year", "months to go: 0", 0.614, 0.615, "open"),
    ],
)
def test_what_the_rulebook_knows_is_found(
    full: Comparison, figure: str, reading: str, low: float, high: float, follows: str
) -> None:
    value, _, verdict = row(full, figure, reading)
    assert low <= value <= high
    assert verdict == follows


def test_simulation_and_closed_form_say_the_same(full: Comparison) -> None:
    for simulated, exact in (
        (("mean path, simulated", "end of month 36"), ("mean path", "after 36")),
        (("skewness", "of the log price, simulated"), ("skewness", "of the log price, closed")),
    ):
        value, error, _ = row(full, *simulated)
        assert error is not None
        assert abs(value - row(full, *exact)[0]) < 4 * error


@pytest.mark.parametrize(
    ("reading", "low", "high", "follows"),
    [
        # risk/MARGIN.md: a regression gave 4.1 ± 1.7. 39 of 731 days of the index move.
        ("κ, diff", 4.05, 4.15, "yes"),
        ("β", -1.4, -1.3, "no"),
        ("σ, diff", 0.9, 1.0, "no"),
        ("λ, pure", -252 * log(1 - 39 / 731) - 1e-9, -252 * log(1 - 39 / 731) + 1e-9, "no"),
        ("σ_J, pure", 0.25, 0.26, "yes"),
        # 39 days move, and a few of them more than once.
        ("λ, all together", 13.9, 15.0, "no"),
        ("γ, diffusion", -0.6, 0.7, "yes"),
    ],
)
def test_table_3_is_held_against_the_real_index(
    small: Comparison, reading: str, low: float, high: float, follows: str
) -> None:
    value, error, verdict = row(small, "table 3 fitted to the index", reading)
    assert low <= value <= high
    assert error
    assert verdict == follows


def test_all_together_the_real_index_has_neither_return_nor_diffusion(small: Comparison) -> None:
    for parameter in ("κ", "σ"):
        value, error, verdict = row(
            small, "table 3 fitted to the index", f"{parameter}, all together"
        )
        assert (value, isnan(error or 0), verdict) == (0, True, "no")
    assert row(small, "log likelihood of all days", "all together")[0] < 0.05


def test_readings_that_ask_more_have_fewer_paths(full: Comparison) -> None:
    any_order, up, down, from_start = (
        row(full, "paths with a five-fold swing", reading)[0]
        for reading in ("high over low", "from a low", "from a high", "from the start up")
    )
    assert any_order >= max(up, down)
    assert up >= from_start


def test_the_same_seed_gives_the_same_table_and_another_another(small: Comparison) -> None:
    again, another = (
        compare(by_default.PATHS_MIN, seed=seed, index=shipped_index()) for seed in (3, 4)
    )
    assert again.rows == small.rows
    assert another.rows != small.rows


def test_csv_has_plain_numbers(small: Comparison) -> None:
    rows = [*csv.DictReader(PAPER_LINES["csv"](small))]
    assert len(rows) == len(small.rows)
    for cells, of_row in zip(rows, small.rows, strict=True):
        value, error = of_row.estimate
        assert float(cells["ours"]) == pytest.approx(value, rel=1e-5, abs=1e-12)
        assert (cells["error"] == "") == (error is None)


def test_a_table_is_no_wider_than_a_screen_and_repeats_nothing(small: Comparison) -> None:
    lines = [*PAPER_LINES["table"](small)]
    assert max(map(len, lines)) <= 120
    assert sum("no U" in line for line in lines) == 1


def test_the_page_has_the_table_and_a_fan_of_each_scenario(small: Comparison) -> None:
    page = "\n".join(paper_page(small))
    cells: list[list[Any]] = said_of(page, TABLE, width=1100)
    assert [len(texts) for texts in cells] == [len(HEADS)] * len(small.rows)
    assert [texts[3] for texts in cells] == [of_row.ours for of_row in small.rows]
    charts = said_of(page, "return [...page.querySelectorAll('svg')].length;", width=1100)
    assert charts == len(PRICE_SCENARIOS)
    assert "src=" not in page
    for width in (360, 1100):
        assert said_of(page, WIDTHS, width=width) == [width, []]


def test_the_command_prints_each_shape_and_refuses_half_a_pair() -> None:
    few = ["paper", "--paths", "200"]
    for shape, begin in (("table", "The paper's"), ("csv", "figure,"), ("md", "| figure"),
                         ("html", "<!DOCTYPE html>")):  # fmt: skip
        ran = CliRunner().invoke(cli, [*few, "--format", shape])
        assert (ran.exit_code, ran.output.startswith(begin)) == (0, True), ran.output[:200]
    odd = CliRunner().invoke(cli, ["paper", "--paths", "201"])
    assert odd.exit_code == 2
    assert "--paths: expected an even number, found 201" in odd.output


# 2 % a day: to the bit there is nothing to return from.
STRAIGHT_ON = "date,tpi\n" + "".join(
    f"{date(2026, 1, 1) + timedelta(day)},{3 * exp(day / 50):.6f}\n" for day in range(200)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns date and tpi, found 'nothing'"),
        ("date,tpi\n", "history: expected at least 30 prices, found 0"),
        ("date,tpi\n2026-01-02,2\n", "history: expected at least 30 prices, found 1"),
        ("date,tpi\n2026-01-02,-2\n", "line 2: expected a price of at least a millionth"),
        (STRAIGHT_ON, "history: expected days that move and days that do not, found 199 moves"),
    ],
)
def test_a_history_that_cannot_be_fitted_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "prices.csv").write_text(text)
    ran = CliRunner().invoke(cli, ["paper", "--index", str(tmp_path / "prices.csv")])
    assert (ran.exit_code, "--index" in ran.output, message in ran.output) == (2, True, True)


def test_the_command_has_the_defaults_of_the_comparison() -> None:
    stated = {option.name: option.default for option in paper_command.paper_command.params}
    assert (stated["paths"], stated["seed"]) == (by_default.PATHS, by_default.SEED)
    (paths,) = [p for p in paper_command.paper_command.params if p.name == "paths"]
    assert paths.to_info_dict()["type"]["min"] == by_default.PATHS_MIN
