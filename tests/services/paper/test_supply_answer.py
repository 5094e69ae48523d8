"""`clearing supply`: its tables by hand, the document's figures, and what it refuses."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import cli
from services.console.docs_command import DOCUMENTS
from tests.paper_document import REWRITE_PAPER, supply_lines, with_figures

TEXT = DOCUMENTS["paper"].text


def supply(*arguments: str) -> tuple[int, str]:
    """The exit code and what is printed."""
    ran = CliRunner().invoke(cli, ["supply", *arguments])
    return ran.exit_code, ran.output


def rows(*arguments: str) -> dict[str, dict[str, Any]]:
    """The rows by what they are about."""
    code, output = supply(*arguments, "--format", "json")
    assert code == 0, output
    return {row["scope"]: row for row in json.loads(output)["rows"]}


def test_the_figures_of_the_document_are_those_the_program_makes_now() -> None:
    made = with_figures(TEXT, supply_lines(), mark="supply")
    assert made == TEXT, f"{REWRITE_PAPER} writes them into PAPER.md"


def test_changes_by_hand_alone_and_together() -> None:
    """Hardware +25 %, energy −20 %: cost × 0.8 each, × 0.64 together; 1/0.8 and 1/0.64 demand."""
    made = rows("--change", "hardware=25", "--change", "energy=-20")
    moved = ("supply_ppm", "marginal_cost_ppm", "committed_ppm", "budgeted_ppm", "latent_ppm")
    for scope in ("hardware +25 %", "energy -20 %"):
        assert [made[scope][name] for name in moved] == [250_000, -200_000, 0, 250_000, 562_500]
        assert made[scope]["level_micros"] == 1_600_000
    both = made["all changes"]
    assert [both[name] for name in moved] == [562_500, -360_000, 0, 562_500, 1_441_406]
    assert (both["level_micros"], both["trend_ppm"]) == (1_280_000, -350_000)
    assert [made["supply"][when] for when in ("before", "after")] == ["10000", "15625"]
    assert [made["marginal cost"][when] for when in ("before", "after")] == ["0.01", "0.0064"]


def test_a_future_takes_its_share_of_the_change_of_cost() -> None:
    """Energy +100 %, a year out: e^−2.5 = 0.082085, 2^0.917915 = e^0.636250 = 1.889383."""
    made = rows("--change", "energy=100")
    ratio = made["energy +100 %"]["month_12_micros"] / made["before"]["month_12_micros"]
    assert ratio == pytest.approx(1.889383, abs=2e-6)
    assert made["log of the price"]["month_12_ppm"] == 917_915
    assert made["before"]["month_12_micros"] == pytest.approx(1_814_100, abs=100)


def test_growth_is_the_trend_and_one_trend_is_that_of_table_3() -> None:
    """Algorithms +41.9 % a year: e^0.35 = 1.419068, the trend of table 3."""
    made = rows("--growth", "algorithm=41.9067549", "--change", "capital=10")
    assert made["a year of growth"]["trend_ppm"] == -350_000
    assert made["a year of growth"]["supply_ppm"] == 419_068
    for scope in ("a year of growth", "changes and growth", "capital +10 %"):
        assert made[scope]["month_12_micros"] == made["before"]["month_12_micros"]
    assert "changes and growth" not in rows("--growth", "algorithm=10")


def test_own_units_change_the_levels_and_no_share() -> None:
    own = ["--base", "hardware=3", "--base", "algorithm=20", "--base", "energy=0.12"]
    made, usual = rows(*own, "--base", "capital=600"), rows()
    assert (made["supply"]["before"], made["marginal cost"]["before"]) == ("300000", "0.002")
    assert made["all changes"] == usual["all changes"]


def test_csv_has_whole_numbers_and_a_table_fits_a_screen() -> None:
    _, output = supply("--format", "csv")
    (before,) = [row for row in csv.DictReader(output.splitlines()) if row["line"] == "before"]
    assert int(before["level_micros"]) == 2_000_000
    assert max(map(len, supply()[1].splitlines())) <= 120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--change chips=3", "--change: factor: expected one of hardware, algorithm, capital"),
        ("--change energy=-100", "--change: energy: expected above -100 % and at most 1,000,000 %"),
        ("--growth energy=-101", "--growth: energy: expected above -100 %"),
        ("--change energy=nan", "found nan %"),
        ("--change energy=much", "expected FACTOR=NUMBER, such as energy=25, found energy=much"),
        ("--growth energy", "expected FACTOR=NUMBER"),
        ("--change energy=1 --change energy=2", "--change: energy: expected once, found again"),
        ("--base energy=0", "--base: energy: expected from 1e-12 to 1e+12, found 0"),
        ("--base chips=1", "--base: factor: expected one of"),
        ("--base energy=1e12 --change energy=10", "energy: expected from 1e-12 to 1e+12"),
    ],
)
def test_bad_input_is_refused_with_parameter_and_domain(arguments: str, message: str) -> None:
    code, output = supply(*arguments.split())
    assert code == 2
    assert message in output
