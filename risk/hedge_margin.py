"""Eq. 7 on many paths at once: the rates of the margin model `paper`, for figures only.

In: prices day by day. Out: rates as fractions. It says what the model in `margin_paper` says, to
the rounding of that one to a ppm, in floats: a hundred thousand closes would take it minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from events.units import PPM
from risk.price_model import FloatArray
from risk.volatility import RETURNS, TRADING_DAYS


def eq_7_rates(logs: FloatArray, day: int, *, settings: Mapping[str, int]) -> FloatArray:
    """The rates (paths,) at the close of a day, a row of the log prices (days, paths).

    settings: of the model `paper`, by the names of its parameters. The floor until there are as
    many prices as the volatility takes.
    """
    floor = settings["margin_floor_ppm"] / PPM
    if day < RETURNS:
        return np.full(logs.shape[1], floor)
    returns = np.diff(logs[day - RETURNS : day + 1], axis=0)
    sigma = np.std(returns, axis=0, ddof=1) * sqrt(TRADING_DAYS)
    alpha = settings["margin_alpha_ppm"] / PPM
    over_days = sqrt(settings["margin_days"] / TRADING_DAYS)
    return np.asarray(np.maximum(floor, alpha * sigma * over_days))
