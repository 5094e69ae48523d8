"""The comparison as a page: the table, and a fan chart of each scenario as the paper's figure 6.

In: a comparison. Out: HTML that asks nothing of any server; the same comparison, the same page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import log
from typing import Final

import numpy as np

from risk.price_curve import futures_prices
from risk.price_model import MONTHS, FloatArray
from risk.price_scenarios import PRICE_SCENARIOS, START_PRICE, PriceScenario
from services.pages.chart import Band, Chart, Line, Mark, Point, chart
from services.pages.render import render
from services.paper.comparison import Comparison
from services.paper.formats import HEADS, NUMERIC, cells_without_repeats, explanations
from services.paper.path_rows import LAST_MONTH
from services.paper.simulation import PathSample

# Charts count in days: a month of the model is 30 of them, from a day that is not shown.
_FIRST_DAY: Final = date(2001, 1, 1)
_MONTH_DAYS: Final = 30
_LABEL_MONTHS: Final = 6


def paper_page(comparison: Comparison) -> Iterator[str]:
    """The lines of the page."""
    content = {
        "title": "The paper's figures beside ours",
        "heads": [f"={head}" if head in NUMERIC else head for head in HEADS],
        "rows": cells_without_repeats(comparison),
        "explanations": explanations(comparison),
        "charts": [
            fan_chart(PRICE_SCENARIOS[name], sample) for name, sample in comparison.samples.items()
        ],
    }
    return iter(render("paper.html", content, package="services.paper").splitlines())


def fan_chart(scenario: PriceScenario, sample: PathSample) -> Chart:
    """Quantiles of the price month by month, its mean, and the curve of futures at the start."""
    days = [_FIRST_DAY + timedelta(days=_MONTH_DAYS * month) for month in range(LAST_MONTH + 1)]
    paths = sample.monthly.reshape(LAST_MONTH, -1)
    start = np.full((1, paths.shape[1]), START_PRICE)
    prices = np.concatenate([start, paths])
    low, lower, median, upper, high = np.quantile(prices, (0.05, 0.25, 0.5, 0.75, 0.95), axis=1)
    ends = np.arange(LAST_MONTH + 1) / MONTHS
    curve = futures_prices(scenario.model, log(START_PRICE), now=0.0, expiry=ends)
    marks: list[Mark] = [
        Band("90 % of paths", _band(days, low, high=high), "series-1"),
        Band("half of paths", _band(days, lower, high=upper), "series-4"),
        Line("median", _line(days, median), "series-1", width=2.5),
        Line("mean", _line(days, prices.mean(axis=1)), "series-2", width=2.5),
        Line("futures at the start, closed form", _line(days, curve), "ink"),
    ]
    labels = {days[month]: f"{month} months" for month in range(0, LAST_MONTH + 1, _LABEL_MONTHS)}
    title = f"Price in scenario {scenario.name}"
    return chart(title, marks, unit="USD per million tokens", days=days, labels=labels)


def _line(days: Sequence[date], values: FloatArray) -> list[Point]:
    return [*zip(days, values.tolist(), strict=True)]


def _band(
    days: Sequence[date], low: FloatArray, *, high: FloatArray
) -> list[tuple[date, float, float]]:
    return [*zip(days, low.tolist(), high.tolist(), strict=True)]
