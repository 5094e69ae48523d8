"""The back-test on an index: figures measured before by other means, and a naive second method."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files
from itertools import pairwise
from math import ceil, log, sqrt
from statistics import stdev

import pytest

from risk.backtest import IndexSeries, Review
from risk.margin_models import MODELS, PAPER
from services.backtest.index_series import shipped_index
from services.backtest.on_index import backtest_index
from services.backtest.outcome import FLAT, Backtest, NothingToTest, outcome_tree


def reviewed(backtest: Backtest, model: str, side: str) -> Review:
    (subject,) = backtest.subjects
    (figures,) = [one for one in subject.figures if one.model == model]
    return {str(name): review for name, review in figures.reviews.items()}[side]


@pytest.fixture(scope="module")
def paper() -> Backtest:
    """Of the paper's model on the history that ships."""
    return backtest_index(shipped_index(), [MODELS[PAPER]], source="shipped", days=2)


def naive_windows() -> list[tuple[str, float, float]]:
    """Day, rate of eq. 7 and move of each window, from the file, in floats."""
    text = files("services.backtest").joinpath("index_history.csv").read_text("utf-8")
    rows = [(row["date"], float(row["tpi"])) for row in csv.DictReader(text.splitlines())]
    windows = []
    for today in range(60, len(rows) - 2):
        last = [price for _, price in rows[today - 20 : today + 1]]
        returns = [log(after / before) for before, after in pairwise(last)]
        rate_ppm = max(80_000, ceil(3e6 * stdev(returns) * sqrt(2) - 1e-6))
        day, price = rows[today]
        windows.append((day, rate_ppm / 1e6, rows[today + 2][1] / price - 1))
    return windows


def test_the_paper_model_does_on_the_history_what_was_measured_before(paper: Backtest) -> None:
    # Measured with another program: coverage 97.0 %, mean 17.6 %, rise 91 points, ratio 12.4.
    figures = reviewed(paper, PAPER, "all")
    assert (figures.windows, figures.uncovered) == (670, 20)
    assert round(100 * figures.coverage, 1) == 97.0
    assert round(100 * figures.mean_rate, 1) == 17.6
    assert int(100 * figures.rise_20) == 91
    assert round(figures.peak_to_trough or 0, 1) == 12.4


def test_a_flat_quarter_covers_what_was_measured_before(paper: Backtest) -> None:
    figures = reviewed(paper, FLAT, "all")
    assert (round(100 * figures.coverage, 1), figures.mean_rate, figures.rise_20) == (98.8, 0.25, 0)
    assert figures.peak_to_trough == 1


def test_each_side_is_that_of_a_naive_second_method(paper: Backtest) -> None:
    windows = naive_windows()
    falls = [day for day, rate, move in windows if -move > rate]
    rises = [day for day, rate, move in windows if move > rate]
    for side, expected in (("long", falls), ("short", rises), ("all", sorted(falls + rises))):
        figures = reviewed(paper, PAPER, side)
        assert [day.isoformat() for day in figures.breach_dates] == expected
        assert figures.mean_rate == pytest.approx(sum(rate for _, rate, _ in windows) / 670)
        assert figures.peak_rate == max(rate for _, rate, _ in windows)


def test_later_prices_change_no_window_before_them() -> None:
    prices = shipped_index()
    cut = IndexSeries(prices.days[:200], prices.micros[:200])
    whole = backtest_index(prices, [*MODELS.values()], source="", days=2, until=cut.days[-1])
    alone = backtest_index(cut, [*MODELS.values()], source="", days=2)
    assert whole == alone


def test_dates_bound_the_rates_and_the_data() -> None:
    since, until = date(2024, 1, 1), date(2024, 1, 12)
    cut = backtest_index(shipped_index(), [], source="", days=3, since=since, until=until)
    # Ten business days from Monday to Friday; the last three have no window of their own.
    assert (cut.first, cut.last) == (date(2024, 1, 1), date(2024, 1, 9))
    assert reviewed(cut, FLAT, "all").windows == 7


@pytest.mark.parametrize(("count", "days"), [(63, 2), (62, 1), (66, 5)])
def test_the_first_window_comes_after_sixty_days(count: int, days: int) -> None:
    whole = shipped_index()
    prices = IndexSeries(whole.days[:count], whole.micros[:count])
    made = backtest_index(prices, [], source="", days=days)
    assert (made.first, reviewed(made, FLAT, "all").windows) == (whole.days[60], 1)
    shorter = IndexSeries(whole.days[: count - 1], whole.micros[: count - 1])
    with pytest.raises(
        NothingToTest, match=f"needs {days} after its own, found {count - 1} days fr"
    ):
        backtest_index(shorter, [], source="", days=days)


def test_no_day_at_all_is_too_few() -> None:
    with pytest.raises(NothingToTest, match=r"found 0 days$"):
        backtest_index(shipped_index(), [], source="", days=2, until=date(2020, 1, 1))


def test_rates_wanted_after_the_prices_are_too_few() -> None:
    with pytest.raises(NothingToTest, match="rates wanted from 2026-01-01 on"):
        backtest_index(shipped_index(), [], source="", days=2, since=date(2026, 1, 1))


def test_json_has_the_names_that_were_agreed(paper: Backtest) -> None:
    tree = outcome_tree(paper)
    assert (tree["from"], tree["to"], tree["days"]) == ("2023-06-06", "2025-12-29", 2)
    assert [*tree["models"]] == [PAPER, FLAT]
    assert [*tree["models"][PAPER]] == ["long", "short", "all"]
    assert {
        "windows", "uncovered", "coverage", "mean_rate", "peak_rate", "peak_to_trough", "rise_5",
        "rise_20", "worst_beyond", "breach_dates", "one_day_exceptions", "kupiec_p",
        "christoffersen_p", "conditional_p", "basel_zone", "interval",
    } <= tree["models"][PAPER]["all"].keys()  # fmt: skip
    assert tree["models"][FLAT]["all"]["breach_dates"][0] == "2023-11-02"
