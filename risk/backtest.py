"""Back-tests: what a margin covered of the moves that came after it.

In: windows, each with the rate that a margin set on a day and what was lost afterwards. Out: how
often and by how much the rate was too low, what it cost, how it moved, and what tests make of it.
Rates and losses are fractions of the notional. Floats live here: no fact is made of them.

A rate set with data until day t covers the move from t to t + N. Windows of N days overlap, so that
each jump lies in N of them; the tests take every Nth window only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Final, Literal, NamedTuple

from events.units import PPM
from risk.exception_tests import (
    PROMISED,
    Zone,
    christoffersen,
    clopper_pearson,
    conditional_coverage,
    kupiec,
    power,
    zone,
)
from risk.margin import ContractHistory, MarginModel
from risk.side_rates import side_rates

MarginSide = Literal["long", "short", "all"]

# Days of history before the first window that counts.
DAYS_BEFORE: Final = 60
# Margin is for two days (RULEBOOK §5, margin_days).
WINDOW_DAYS: Final = 2
_RISE_DAYS: Final = (5, 20)
# A contract in the middle of its life: no rule for its last days, none for distant months.
_RANK, _DAYS_LEFT, _SESSIONS_LEFT = 0, 30, 20


class IndexSeries(NamedTuple):
    """Prices of one thing, oldest first. micros: millionths of a dollar, each above 0."""

    days: Sequence[date]
    micros: Sequence[int]


class Window(NamedTuple):
    """A rate and what came after it, on one side.

    day: on which the rate was set; loss: over the whole window, next_loss: over its first day; a
    gain is below 0.
    """

    day: date
    rate: float
    loss: float
    next_loss: float

    @property
    def beyond(self) -> float:
        """How far the loss went beyond the rate; 0 when it was covered."""
        return max(0.0, self.loss - self.rate)


@dataclass(frozen=True, slots=True)
class Review:
    """The figures of a side, as BACKTEST.md explains them; None where there is nothing to divide.

    of both sides (`all`) a window is uncovered when either side is; rises, peak and peak_to_trough
    are those of the worse side.
    """

    windows: int
    uncovered: int
    coverage: float
    mean_rate: float
    peak_rate: float
    peak_to_trough: float | None
    rise_5: float
    rise_20: float
    worst_beyond: float
    breach_dates: tuple[date, ...]
    one_day_exceptions: int
    windows_apart: int
    uncovered_apart: int
    kupiec_p: float
    kupiec_two_sided_p: float
    christoffersen_p: float
    conditional_p: float
    basel_zone: Zone
    interval: tuple[float, float]
    power_at_twice: float


class Rates(NamedTuple):
    """What a model asks of each side, day by day, as fractions of the price."""

    long: Sequence[float]
    short: Sequence[float]


def rates_of(
    model: MarginModel, prices: IndexSeries, *, settings: Mapping[str, int], first: int = 0
) -> Rates:
    """The rates of a model from a day on, each from the prices until its own day only.

    The index stands for the fixings of a contract without a settlement price before.
    """
    rates = [
        _rates_on(model, prices, day=day, settings=settings)
        for day in range(first, len(prices.days))
    ]
    longs, shorts = zip(*rates, strict=True) if rates else ((), ())
    return Rates(longs, shorts)


def windows_of(
    prices: IndexSeries, rates: Rates, *, first: int, days: int = WINDOW_DAYS
) -> dict[MarginSide, list[Window]]:
    """The windows of both sides. first: of the days, that of the first rate and window."""
    windows: dict[MarginSide, list[Window]] = {"long": [], "short": []}
    for index in range(first, len(prices.days) - days):
        price = prices.micros[index]
        move = prices.micros[index + days] / price - 1
        next_move = prices.micros[index + 1] / price - 1
        day = prices.days[index]
        long, short = rates.long[index - first], rates.short[index - first]
        windows["long"].append(Window(day, long, -move, -next_move))
        windows["short"].append(Window(day, short, move, next_move))
    return windows


def review_sides(
    windows: Mapping[MarginSide, Sequence[Window]], *, days: int
) -> dict[MarginSide, Review]:
    """The figures of each side and of both pooled, `all`. windows: of each side, by the same days.

    Law: no side has more uncovered windows than `all`.
    """
    reviews: dict[MarginSide, Review] = {
        side: review([of_side], days=days) for side, of_side in windows.items()
    }
    return reviews | {"all": review([*windows.values()], days=days)}


def review(sides: Sequence[Sequence[Window]], *, days: int) -> Review:
    """The figures of windows, at least one, of one side or of several pooled by day."""
    by_day = [*zip(*sides, strict=True)]
    beyond = [max(window.beyond for window in of_day) for of_day in by_day]
    rates = [[window.rate for window in side] for side in sides]
    breaches = [excess > 0 for excess in beyond]
    apart = breaches[::days]
    next_day = sum(any(window.next_loss > window.rate for window in of_day) for of_day in by_day)
    coverage = kupiec(sum(apart), len(apart))
    rise_5, rise_20 = (max(_worst_rise(side, within) for side in rates) for within in _RISE_DAYS)
    return Review(
        windows=len(by_day),
        uncovered=sum(breaches),
        coverage=1 - sum(breaches) / len(by_day),
        mean_rate=fsum(map(fsum, rates)) / sum(map(len, rates)),
        peak_rate=max(map(max, rates)),
        peak_to_trough=_peak_to_trough(rates),
        rise_5=rise_5,
        rise_20=rise_20,
        worst_beyond=max(beyond),
        breach_dates=tuple(of_day[0].day for of_day, excess in zip(by_day, beyond, strict=True)
                           if excess > 0),
        one_day_exceptions=next_day,
        windows_apart=len(apart),
        uncovered_apart=sum(apart),
        kupiec_p=coverage.p,
        kupiec_two_sided_p=coverage.two_sided_p,
        christoffersen_p=christoffersen(apart).p,
        conditional_p=conditional_coverage(apart).p,
        basel_zone=zone(next_day, len(by_day)),
        interval=clopper_pearson(sum(apart), len(apart)),
        power_at_twice=power(len(apart), rate=2 * PROMISED),
    )  # fmt: skip


def _rates_on(
    model: MarginModel, prices: IndexSeries, *, day: int, settings: Mapping[str, int]
) -> tuple[float, float]:
    """The rates of a day, long and short."""
    history = ContractHistory(
        settlements=(),
        fixings=prices.micros[: day + 1],
        business_date=prices.days[day],
        rank=_RANK,
        days_left=_DAYS_LEFT,
        sessions_left=_SESSIONS_LEFT,
    )
    measure = model.measure(history, {name: settings[name] for name in model.parameters})
    rates = side_rates(model, measure, settings=settings)
    return rates.long_ppm / PPM, rates.short_ppm / PPM


def _worst_rise(rates: Sequence[float], within: int) -> float:
    """By how much a rate rose at most from a day to one of those after it; 0 if it never did."""
    return max(
        max(rates[start + 1 : start + 1 + within], default=rate) - rate
        for start, rate in enumerate(rates)
    )


def _peak_to_trough(rates: Sequence[Sequence[float]]) -> float | None:
    """The highest rate over the lowest, of the worse side; None when a rate was 0."""
    if min(map(min, rates)) <= 0:
        return None
    return max(max(side) / min(side) for side in rates)
