"""The paper's margin model: max(α · σ₂₀ · √T, floor) (paper §5.3, eq. 7; RULEBOOK §5).

In: the contract's settlement prices in ticks and the TPI fixings in micros, newest last. Out: the
rate, rounded up to a ppm, with the volatility it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING
from typing import Literal

from risk.margin_rate import MarginParameters, MarginRate
from risk.volatility import PRICES, over_days, sigma20, sigma_ppm


def paper(
    settlements: Sequence[int], fixings: Sequence[int], *, parameters: MarginParameters
) -> MarginRate:
    """Eq. 7 on the contract's own last 21 prices, else on the last 21 fixings, else the floor."""
    if len(settlements) >= PRICES:
        return _rate(settlements[-PRICES:], "contract", parameters=parameters)
    # A fixing may round to 0 micros, and 0 has no logarithm: such a window has no volatility.
    if len(fixings) >= PRICES and min(fixings[-PRICES:]) > 0:
        return _rate(fixings[-PRICES:], "tpi", parameters=parameters)
    return MarginRate(parameters.floor_ppm, None, "none")


def _rate(
    prices: Sequence[int], source: Literal["contract", "tpi"], *, parameters: MarginParameters
) -> MarginRate:
    sigma = sigma20(prices)
    asked = over_days(sigma, parameters.close_out_days, factor=parameters.alpha_ppm)
    rate_ppm = max(int(asked.to_integral_value(rounding=ROUND_CEILING)), parameters.floor_ppm)
    return MarginRate(rate_ppm, sigma_ppm(sigma), source)
