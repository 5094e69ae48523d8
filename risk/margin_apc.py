"""The margin model `paper_apc`: eq. 7 with measures against procyclicality (RULEBOOK §5).

In: what eq. 7 takes, and up to ten years of fixings of the product's index. Out: a rate. Source:
Commission Delegated Regulation (EU) 153/2013, art. 28 (1): (a) a buffer of 25 % of the calculated
margin; (b) at least 25 % of the weight to stressed observations; (c) not lower than a margin of the
volatility over a look-back of ten years. At least one is asked for; each is a parameter here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

from events.units import PPM, ceil_div
from risk import margin_paper
from risk.margin import ContractHistory, Measure, rate
from risk.volatility import DECIMAL_34, RETURNS, TRADING_DAYS

_TEN_YEARS: Final = 10 * TRADING_DAYS
APC_HISTORY: Final = _TEN_YEARS + 1
# A rate is one for both sides, and a long position cannot lose more than its price.
_RATE_MAX_PPM: Final = PPM
# Log returns are whole numbers of 10⁻¹⁸: sums of them and of their squares are exact in any order.
_UNIT: Final = 10**18


def apc_rate(history: ContractHistory, settings: Mapping[str, int]) -> Measure:
    """The rate of eq. 7, weighted, buffered and floored; at most 100 %.

    settings: of eq. 7, and apc_stressed_ppm (weight of the stressed rate), apc_buffer_ppm (share
    added), apc_floor_days (returns of the floor's look-back); 0 for a measure that is off. The
    stressed rate is eq. 7 on the 252 consecutive returns with the highest volatility.
    """
    paper = margin_paper.measure(history, settings)
    positive = [value for value in history.fixings[-APC_HISTORY:] if value > 0]
    returns = [_log_return(before, after) for before, after in pairwise(positive)]
    weight_ppm, floor_days = settings["apc_stressed_ppm"], settings["apc_floor_days"]
    stressed_ppm = floor_ppm = None
    if len(returns) >= RETURNS:
        if weight_ppm:
            stressed_ppm = _rate_ppm(returns, min(TRADING_DAYS, len(returns)), settings=settings)
        if floor_days:
            floor_ppm = _rate_ppm(recent := returns[-floor_days:], len(recent), settings=settings)
    rate_ppm = paper.long_ppm
    if stressed_ppm is not None:
        rate_ppm = ceil_div((PPM - weight_ppm) * rate_ppm + weight_ppm * stressed_ppm, PPM)
    rate_ppm = ceil_div(rate_ppm * (PPM + settings["apc_buffer_ppm"]), PPM)
    rate_ppm = max(rate_ppm, floor_ppm or 0, settings["margin_floor_ppm"])
    return rate(
        min(rate_ppm, _RATE_MAX_PPM),
        fallback=_fallback(history.fixings, returns=len(returns), settings=settings),
        **paper.evidence,
        stressed_ppm=stressed_ppm,
        floor_ppm=floor_ppm,
        returns=len(returns),
    )


@lru_cache(maxsize=65_536)
def _log_return(before: int, after: int) -> int:
    if before == after:
        return 0
    with localcontext(DECIMAL_34):
        exact = (Decimal(after) / Decimal(before)).ln() * _UNIT
        return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def _rate_ppm(returns: Sequence[int], count: int, *, settings: Mapping[str, int]) -> int:
    """α · s · √T, s the largest sample deviation of `count` returns in a row; rounded up."""
    sums = list(accumulate(returns, initial=0))
    squares = list(accumulate((value * value for value in returns), initial=0))
    # n · Σr² − (Σr)², n times the sum of the squared deviations.
    spread = max(
        count * (squares[last] - squares[last - count]) - (sums[last] - sums[last - count]) ** 2
        for last in range(count, len(sums))
    )
    with localcontext(DECIMAL_34):
        variance = Decimal(spread) / (count * (count - 1)) / _UNIT**2
        deviation = (variance * settings["margin_days"]).sqrt()
        exact_ppm = settings["margin_alpha_ppm"] * deviation
        return int(exact_ppm.to_integral_value(rounding=ROUND_CEILING))


def _fallback(fixings: Sequence[int], *, returns: int, settings: Mapping[str, int]) -> str | None:
    """What is missing of the history that the chosen measures read."""
    if not settings["apc_stressed_ppm"] and not settings["apc_floor_days"]:
        return None
    if returns < RETURNS:
        return "no_look_back"
    if min(fixings[-APC_HISTORY:]) <= 0:
        return "not_positive"
    return "look_back_below_ten_years" if returns < _TEN_YEARS else None
