"""The simulation behind the paper's figures: paths of a scenario, and what is kept of each.

In: a model, a generator, how many paths. Out: of every path its prices at the ends of months, its
extremes, its largest swings and what its days would have asked of margin. Paths come in blocks that
fit a core's cache, so that their number is limited by what is kept only.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log, log1p
from typing import Final, NamedTuple

import numpy as np

from risk.price_model import MONTHS, FloatArray, PriceModel
from risk.price_paths import log_paths, mirrored
from risk.price_scenarios import START_PRICE, STEPS_A_YEAR
from services.paper.draws import draw

HORIZON_YEARS: Final = 3
STEP_YEARS: Final = 1 / STEPS_A_YEAR
MONTH_STEPS: Final = STEPS_A_YEAR // MONTHS
# Eq. 7: α, returns of a volatility, days of a close-out, and the band of rates.
ALPHA: Final = 3
RETURNS_20: Final = 20
CLOSE_OUT_DAYS: Final = 2
FLOOR_RATE, BAND_RATE = 0.08, 0.12
FIRST_LIMIT: Final = 0.15
_BLOCK_PAIRS: Final = 1_000


class PathSample(NamedTuple):
    """What is kept of paths. Every array ends in (2, pairs), the mirror images in the second row.

    monthly: (months, 2, pairs) prices in dollars; high, low: over all closes, the start included;
    rise: the largest ratio of a close to an earlier one; fall: the smallest; above_band: the share
    of closes at which eq. 7 asks more than its band; moves_band, moves_limit: days a year that move
    beyond the band and beyond the first limit.
    """

    monthly: FloatArray
    high: FloatArray
    low: FloatArray
    rise: FloatArray
    fall: FloatArray
    above_band: FloatArray
    moves_band: FloatArray
    moves_limit: FloatArray

    def month(self, number: int) -> FloatArray:
        """Prices (2, pairs) at the end of a month, the first is 1."""
        prices: FloatArray = self.monthly[number - 1]
        return prices


def sample_paths(model: PriceModel, rng: np.random.Generator, *, pairs: int) -> PathSample:
    """So many antithetic pairs over three years of trading days. Errors: OutOfDomain."""
    blocks = [_sampled(logs) for logs in log_blocks(model, rng, pairs=pairs)]
    return PathSample(*(np.concatenate(arrays, axis=-1) for arrays in zip(*blocks, strict=True)))


def log_blocks(model: PriceModel, rng: np.random.Generator, *, pairs: int) -> Iterator[FloatArray]:
    """Log prices (steps, paths) of a block of pairs after the other, mirror images behind."""
    for first in range(0, pairs, _BLOCK_PAIRS):
        draws = draw(
            model, rng,
            pairs=min(_BLOCK_PAIRS, pairs - first),
            steps=HORIZON_YEARS * STEPS_A_YEAR,
            step_years=STEP_YEARS,
        )  # fmt: skip
        yield log_paths(
            model, mirrored(draws, model), log_price=log(START_PRICE), step_years=STEP_YEARS
        )


def _sampled(logs: FloatArray) -> PathSample:
    returns = np.diff(logs, axis=0, prepend=log(START_PRICE))
    of_paths = [
        *map(np.exp, _swings(logs)),
        _share_above_band(returns),
        *(_moves_beyond(returns, width) for width in (BAND_RATE, FIRST_LIMIT)),
    ]
    apart = (2, logs.shape[1] // 2)
    monthly = np.exp(logs[MONTH_STEPS - 1 :: MONTH_STEPS])
    return PathSample(monthly.reshape(-1, *apart), *(values.reshape(apart) for values in of_paths))


def _swings(logs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """High, low, rise and fall of each path in logs, close by close."""
    high, low = np.full((2, logs.shape[1]), log(START_PRICE))
    rise, fall = np.zeros((2, logs.shape[1]))
    for closes in logs:
        np.maximum(high, closes, out=high)
        np.minimum(low, closes, out=low)
        np.maximum(rise, closes - low, out=rise)
        np.minimum(fall, closes - high, out=fall)
    return high, low, rise, fall


def _moves_beyond(returns: FloatArray, width: float) -> FloatArray:
    """Days a year on which a price rises or falls by more than a width, a fraction of it."""
    beyond = (returns > log1p(width)) | (returns < log1p(-width))
    return np.asarray(STEPS_A_YEAR * np.mean(beyond, axis=0))


def _share_above_band(returns: FloatArray) -> FloatArray:
    """Of the closes with twenty returns, the share at which eq. 7 goes beyond its band."""
    sums, squares = np.cumsum(returns, axis=0), np.cumsum(returns**2, axis=0)
    twenty, of_squares = (
        np.concatenate(
            [total[RETURNS_20 - 1 : RETURNS_20], total[RETURNS_20:] - total[:-RETURNS_20]]
        )
        for total in (sums, squares)
    )
    daily_variance = (of_squares - twenty**2 / RETURNS_20) / (RETURNS_20 - 1)
    # α σ √(T/252), σ = the daily deviation times √252.
    highest_inside = (BAND_RATE / ALPHA) ** 2 / CLOSE_OUT_DAYS
    return np.asarray(np.mean(daily_variance > highest_inside, axis=0))
