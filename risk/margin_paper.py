"""The paper's margin model: max(α · σ₂₀ · √T, floor) (paper §5.3, eq. 7; RULEBOOK §5).

In: the contract's settlement prices and the TPI fixings; α, T in trading days and the floor, by the
names of their parameters. Out: the rate, rounded up to a ppm, and its volatility.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING

from risk.margin import ContractHistory, Measure, rate
from risk.volatility import PRICES, over_days, sigma20, sigma_ppm


def measure(history: ContractHistory, settings: Mapping[str, int]) -> Measure:
    """Eq. 7 on the contract's last 21 prices, else on the last 21 fixings, else the floor."""
    if len(history.settlements) >= PRICES:
        return _rate(history.settlements[-PRICES:], "contract", settings=settings)
    fixings = history.fixings[-PRICES:]
    # A fixing may round to 0 micros, and 0 has no logarithm: then there is no volatility.
    if len(fixings) == PRICES and min(fixings) > 0:
        return _rate(fixings, "tpi", settings=settings)
    return rate(settings["margin_floor_ppm"], sigma_ppm=None, sigma_source="none")


def _rate(prices: Sequence[int], source: str, *, settings: Mapping[str, int]) -> Measure:
    sigma = sigma20(prices)
    exact_ppm = over_days(sigma, settings["margin_days"], factor=settings["margin_alpha_ppm"])
    rate_ppm = int(exact_ppm.to_integral_value(rounding=ROUND_CEILING))
    return rate(
        max(rate_ppm, settings["margin_floor_ppm"]),
        sigma_ppm=sigma_ppm(sigma),
        sigma_source=source,
    )
