"""The add-ons to initial margin: concentration and jump to limit (RULEBOOK §5).

In: holdings with the inputs of their add-ons. Out: the add-on of every account, in cents. Each
position is charged by itself, on its value and the largest loss of its side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from events.int64 import IntArray, add_at, as_index, magnitude
from events.units import INT64_MAX, PPM, ceil_div
from risk.margin import AddOn, Holding


class _Growth(NamedTuple):
    """From `days` on the 99 % move grows by `slope_ppm` of the two-day move for each further day.

    growth_ppm: of the two-day move, at `days`.
    """

    days: int
    growth_ppm: int
    slope_ppm: int


# Measured on the index 2023-03 to 2025-12: the 99 % moves of 3, 5, 10 and 20 days are 1.40, 1.89,
# 2.38 and 2.80 times that of 2; straight between, no more beyond. √(days/2) is too low up to 10.
_GROWTH: Final = (
    _Growth(2, 1_000_000, 400_000),
    _Growth(3, 1_400_000, 245_000),
    _Growth(5, 1_890_000, 98_000),
    _Growth(10, 2_380_000, 42_000),
)
_DAYS_MAX: Final = 20
# Selling out takes 4 · lots / traded days at a quarter of the volume, on average half as long.
_DAYS_A_MEDIAN: Final = 2


def add_ons(holdings: Sequence[Holding], accounts: int) -> IntArray:
    """The add-on of each account, in cents, rounded up for each position.

    Errors: OverflowError when an account's sum is beyond int64.
    """
    added = np.zeros(accounts, dtype=np.int64)
    for holding in holdings:
        if holding.add_on is None or holding.price_cents is None:
            continue
        for sign, rate_ppm in ((1, holding.measure.long_ppm), (-1, holding.measure.short_ppm)):
            lots = np.maximum(holding.lots * sign, 0)
            ppm = _add_on_ppm(lots, holding.add_on, rate_ppm=rate_ppm)
            cents = _charges(lots, ppm, price_cents=holding.price_cents)
            add_at(added, as_index(holding.accounts), addend=cents)
    return added


def growth_ppm(lots: IntArray, traded_lots: int) -> IntArray:
    """The growth of the move over the days that closing a position takes, in ppm, rounded up.

    lots: at least 0; traded_lots: the median of a session, 0 for the longest time. The days are
    max(2, 1 + 2 · lots / traded), at most 20.
    """
    longest = (_DAYS_MAX - 1) * traded_lots // _DAYS_A_MEDIAN + 1
    within = np.minimum(lots, longest)
    days = traded_lots + _DAYS_A_MEDIAN * within
    growth = np.full(len(lots), PPM, dtype=np.int64)
    for step in _GROWTH:
        beyond = np.maximum(days - step.days * traded_lots, 0)
        grown = step.growth_ppm - (-beyond * step.slope_ppm // max(1, traded_lots))
        growth = np.where(beyond > 0, grown, growth)
    most = _GROWTH[-1].growth_ppm + (_DAYS_MAX - _GROWTH[-1].days) * _GROWTH[-1].slope_ppm
    return np.where(within * _DAYS_A_MEDIAN >= (_DAYS_MAX - 1) * traded_lots, most, growth)


def _add_on_ppm(lots: IntArray, add_on: AddOn, *, rate_ppm: int) -> IntArray:
    """The add-on of each position in ppm of its value, rounded up."""
    ppm = np.zeros(len(lots), dtype=np.int64)
    if add_on.traded_lots is not None:
        # A median beyond 10¹² lots would wrap; above 10⁹ it already exceeds every open interest.
        growth = growth_ppm(lots, min(add_on.traded_lots, 10**12))
        ppm += add_on.half_spread_ppm - (-(growth - PPM) * rate_ppm // PPM)
    if add_on.jump_ppm is not None:
        ppm += max(0, add_on.jump_ppm - rate_ppm)
    return ppm


def _charges(lots: IntArray, ppm: IntArray, *, price_cents: int) -> IntArray:
    """Ceil(lots · price · ppm / 10⁶) for each position."""
    if magnitude(lots) * price_cents * magnitude(ppm) + PPM <= INT64_MAX:
        charges: IntArray = -(-lots * price_cents * ppm // PPM)
        return charges
    pairs = zip(lots.tolist(), ppm.tolist(), strict=True)
    exact = [ceil_div(position * price_cents * rate, PPM) for position, rate in pairs]
    if max(exact) > INT64_MAX:
        msg = f"an add-on of {max(exact)} cents is beyond int64"
        raise OverflowError(msg)
    return np.array(exact, dtype=np.int64)
