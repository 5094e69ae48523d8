"""Margin on many paths at once, for figures only: the models `scan` and `paper` (eq. 7) in floats.

In: log prices day by day. Out: rates by side as fractions, (paths,) each. They say what the models
in `tail_range` and `margin_paper` say of an outright position, to the rounding of those to a ppm:
a hundred thousand closes would take them minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, sqrt

import numpy as np

from events.units import PPM
from risk.hedge import MarginRates
from risk.price_model import FloatArray
from risk.tail_range import (
    DAYS,
    EXCEEDED,
    FLOOR_PPM,
    JUMP_PARTS,
    LONG_MAX_PPM,
    MOVES_A_JUMP,
    OFTEN_MOVES,
    PRIOR_OFTEN,
    PRIOR_SIZE,
    PRIOR_SIZES,
    SHORT_MAX_PPM,
    TAIL_POWER,
    often_weight,
    size_weight,
)
from risk.volatility import RETURNS, TRADING_DAYS


def eq_7_rates(logs: FloatArray, day: int, *, settings: Mapping[str, int]) -> MarginRates:
    """The rates at the close of a day, a row of the log prices (days, paths).

    settings: of the model `paper`, by the names of its parameters. The floor until there are as
    many prices as the volatility takes.
    """
    floor = settings["margin_floor_ppm"] / PPM
    if day < RETURNS:
        return MarginRates(*np.full((2, logs.shape[1]), floor))
    returns = np.diff(logs[day - RETURNS : day + 1], axis=0)
    sigma = np.std(returns, axis=0, ddof=1) * sqrt(TRADING_DAYS)
    alpha = settings["margin_alpha_ppm"] / PPM
    over_days = sqrt(settings["margin_days"] / TRADING_DAYS)
    rates = np.maximum(floor, alpha * sigma * over_days)
    return MarginRates(rates, rates)


def scan_rates(logs: FloatArray, day: int) -> MarginRates:
    """The scan ranges at the close of a day, a row of the log prices (days, paths).

    Of at most OFTEN_MOVES days before it; those of paths without a move are the prior's.
    """
    with np.errstate(over="ignore"):  # A move without end is one of the largest that counts.
        moves = np.expm1(np.diff(logs[max(0, day - OFTEN_MOVES) : day + 1], axis=0))
    ages = range(moves.shape[0] - 1, -1, -1)
    often, large = (np.array([*map(weight, ages)], float) for weight in (often_weight, size_weight))
    is_jump = np.abs(moves) > 1 / JUMP_PARTS
    sizes = np.log(np.where(is_jump, np.minimum(np.abs(moves), SHORT_MAX_PPM / PPM), 1.0))
    log_size = (large @ sizes + PRIOR_SIZES * log(PRIOR_SIZE)) / (large @ is_jump + PRIOR_SIZES)
    rates = []
    for to_side, most_ppm in ((moves < 0, LONG_MAX_PPM), (moves > 0, SHORT_MAX_PPM)):
        jumps = often @ (is_jump & to_side) + PRIOR_OFTEN / (2 * MOVES_A_JUMP)
        odds = DAYS * jumps / (often.sum() + PRIOR_OFTEN) / float(EXCEEDED) - 1
        rate = np.exp(log_size + np.log(odds) * float(TAIL_POWER))
        rates.append(np.clip(rate, FLOOR_PPM / PPM, most_ppm / PPM))
    return MarginRates(*rates)


def margins_of(months: Sequence[MarginRates]) -> MarginRates:
    """The rates of months on top of each other, (months, paths) each."""
    return MarginRates(*(np.stack(of_side) for of_side in zip(*months, strict=True)))
