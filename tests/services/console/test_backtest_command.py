"""`clearing backtest`: its formats, and what it says to wrong input."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import cli


def backtest(*options: str) -> Result:
    return CliRunner().invoke(cli, ["backtest", *options])


def quiet_market(folder: Path, rows: int = 63, price: str = "2.5") -> str:
    """A file of a price that never moves, with a gap of years in it."""
    path = folder / "quiet.csv"
    days = [f"{2000 + number // 12}-{number % 12 + 1:02d}-01" for number in range(rows)]
    path.write_text("date,tpi\n" + "".join(f"{day},{price}\n" for day in days), "utf-8")
    return str(path)


def test_all_models_are_tested_on_the_history_that_ships() -> None:
    ran = backtest("--to", "2023-07-31")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("Back-test on index_history.csv of the program: rates of 2023-06")
    assert re.search(r"^flat_25 +all +38 ", ran.stdout, re.MULTILINE)


def test_csv_has_a_row_for_each_model_and_side_that_json_has() -> None:
    options = ("--model", "paper", "--to", "2023-12-29", "--format")
    tree = json.loads(backtest(*options, "json").stdout)
    rows = [*csv.DictReader(backtest(*options, "csv").stdout.splitlines())]
    assert [(row["model"], row["side"]) for row in rows] == [
        (model, side) for model, sides in tree["models"].items() for side in sides
    ]
    for row in rows:
        figures = tree["models"][row["model"]][row["side"]]
        assert float(row["coverage"]) == figures["coverage"]
        assert row["breach_dates"].split() == figures["breach_dates"]
        assert [float(row["interval_low"]), float(row["interval_high"])] == figures["interval"]


def test_html_is_a_page() -> None:
    page = backtest("--model", "paper", "--to", "2023-07-31", "--format", "html").stdout
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>Back-test of margin, 2023-06-06 to 2023-07-27</title>" in page


def test_a_constant_price_and_gaps_are_fine(tmp_path: Path) -> None:
    tree = json.loads(backtest("--index", quiet_market(tmp_path), "--format", "json").stdout)
    assert tree["source"].endswith("quiet.csv")
    for sides in tree["models"].values():
        assert (sides["all"]["windows"], sides["all"]["uncovered"]) == (1, 0)
        assert sides["all"]["mean_rate"] > 0


@pytest.mark.parametrize("price", ["0", "-1", "nan"])
def test_a_wrong_file_stops_with_line_and_reason(tmp_path: Path, price: str) -> None:
    ran = backtest("--index", quiet_market(tmp_path, price=price))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "quiet.csv line 2: expected a p" in ran.stderr


def test_a_file_that_is_too_short_says_so(tmp_path: Path) -> None:
    ran = backtest("--index", quiet_market(tmp_path, rows=62))
    assert ran.exit_code == 2
    assert "too short: the first window comes after 60 days and needs 2 after its own" in ran.stderr
    assert "found 62 days from 2000-01-01 to 2005-02-01" in ran.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "black_box"), "there is no margin model 'black_box'; there are paper"),
        (("--from", "2024-13-01"), "expected a day of the calendar, found '2024-13-01'"),
        (("--from", "2024-02-01", "--to", "2024-01-01"), "expected --from before --to"),
        (("--days", "0"), "0 is not in the range 1<=x<=60"),
        (("--index", "a.csv", "--data", "b"), "expected --index, or --data or --database"),
        (("--index", "no.csv"), "cannot read no.csv: No such file or directory"),
    ],
)
def test_a_wrong_option_is_named(options: tuple[str, ...], message: str) -> None:
    ran = backtest(*options)
    assert ran.exit_code == 2
    assert message in ran.stderr
