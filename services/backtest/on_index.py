"""The back-test of margin models on an index, each day from the data until then only.

In: prices, models, the days wanted. Out: the outcome, the flat benchmark last. A model gets the
defaults of its parameters (events/parameters.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from events.parameters import PARAMETERS
from risk.backtest import DAYS_BEFORE, IndexSeries, Rates, rates_of, windows_of
from risk.margin import MarginModel
from services.backtest.outcome import (
    FLAT,
    FLAT_RATE,
    Backtest,
    ModelFigures,
    NothingToTest,
    Subject,
)


def backtest_index(
    prices: IndexSeries,
    models: Sequence[MarginModel],
    *,
    source: str,
    days: int,
    since: date = date.min,
    until: date = date.max,
) -> Backtest:
    """The back-test of models. since: the first day of a rate; until: the last day of all data.

    Errors: NothingToTest.
    """
    prices = _cut(prices, until)
    first = max(DAYS_BEFORE, bisect_left(prices.days, since))
    count = len(prices.days) - days - first
    if count < 1:
        _refuse(prices, days=days, since=since)
    figures = [
        ModelFigures.of(name, windows_of(prices, rates, first=first, days=days), days=days)
        for name, rates in [
            *((model.name, _rates(model, prices, first=first)) for model in models),
            (FLAT, Rates([FLAT_RATE] * count, [FLAT_RATE] * count)),
        ]
    ]
    last = prices.days[first + count - 1]
    return Backtest(source, days, prices.days[first], last, [Subject("index", "index", figures)])


def default_settings(model: MarginModel) -> dict[str, int]:
    """The parameters of a model as they are without configuration."""
    names = (*model.parameters, *model.portfolio_parameters)
    return {name: int(PARAMETERS[name].default) for name in names}


def _rates(model: MarginModel, prices: IndexSeries, *, first: int) -> Rates:
    return rates_of(model, prices, settings=default_settings(model), first=first)


def _cut(prices: IndexSeries, until: date) -> IndexSeries:
    """The prices without those after a day."""
    count = bisect_right(prices.days, until)
    return IndexSeries(prices.days[:count], prices.micros[:count])


def _refuse(prices: IndexSeries, *, days: int, since: date) -> None:
    """Say how many days there are, and how many a window needs."""
    count = len(prices.days)
    msg = (
        f"too short: the first window comes after {DAYS_BEFORE} days and needs {days} after its "
        f"own, found {count} days"
    )
    if count:
        msg += f" from {prices.days[0]} to {prices.days[-1]}"
    if since > date.min:
        msg += f", rates wanted from {since} on"
    raise NothingToTest(msg)
