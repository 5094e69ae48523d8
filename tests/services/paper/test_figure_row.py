"""Figures as texts: two digits of the error, and a figure as long as that makes sense."""

from __future__ import annotations

from math import nan

import pytest

from risk.monte_carlo import Estimate
from services.paper.figure_row import PaperRow, Unit, agreement


@pytest.mark.parametrize(
    ("estimate", "unit", "texts"),
    [
        (Estimate(0.14951, 0.00343), "%", ("15.0 %", "0.34")),
        (Estimate(2.20147, 0.000203), "$", ("$2.2015", "0.00020")),
        (Estimate(9.149, 0.19), "$", ("$9.15", "0.19")),
        (Estimate(0.7225), "%", ("72.25 %", "exact")),
        (Estimate(3.3271), "months", ("3.3 months", "exact")),
        (Estimate(-0.29531), "%", ("−29.53 %", "exact")),
        (Estimate(-0.00001, 0.0), "%", ("0.0 %", "0")),
        (Estimate(1.25), "×", ("1.25 ×", "exact")),
        (Estimate(0.3801, 0.0214), "", ("0.38", "0.021")),
        (Estimate(0.0, nan), "", ("0.00", "-")),
        (Estimate(123.4, 56.7), "days a year", ("123.40 days a year", "57")),
    ],
)
def test_a_figure_is_as_long_as_its_error_allows(
    estimate: Estimate, unit: Unit, texts: tuple[str, str]
) -> None:
    row = PaperRow("figure", "reading", "-", estimate, unit, "open", "why")
    assert (row.ours, row.error) == texts


@pytest.mark.parametrize(
    ("estimate", "follows"),
    [
        (Estimate(0.14, 0.004), "yes"),
        (Estimate(0.16, 0.003), "no"),
        (Estimate(0.15), "yes"),
        (Estimate(0.1501), "no"),
    ],
)
def test_a_printed_figure_follows_within_three_errors(estimate: Estimate, follows: str) -> None:
    assert agreement(estimate, 0.15) == follows
