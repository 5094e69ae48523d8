"""The 20-day volatility σ₂₀ of eq. 7, to 34 digits (RULEBOOK §5).

In: the last 21 daily prices, integers of any one unit. Out: the sample standard deviation of their
20 log returns times √252, a `Decimal`. Logarithm and root are correctly rounded by `decimal`, so
the last digit is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import lru_cache
from itertools import pairwise
from typing import Final

from events.units import PPM

RETURNS: Final = 20
PRICES: Final = RETURNS + 1
TRADING_DAYS: Final = 252

# Every setting is stated: a default changed elsewhere in the process must not change a margin rate.
DECIMAL_34: Final = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


def sigma20(prices: Sequence[int]) -> Decimal:
    """Annual volatility of exactly 21 daily prices, oldest first, each above 0.

    Source: paper §5.3, eq. 7; n − 1 in the variance, 252 trading days a year.
    """
    assert len(prices) == PRICES, f"expected {PRICES} prices, found {len(prices)}"
    assert min(prices) > 0, f"expected prices above 0, found {min(prices)}"
    with localcontext(DECIMAL_34):
        returns = [_log_return(before, after) for before, after in pairwise(prices)]
        mean = sum(returns, Decimal(0)) / RETURNS
        squares = sum(((value - mean) ** 2 for value in returns), Decimal(0))
        return (squares / (RETURNS - 1)).sqrt() * Decimal(TRADING_DAYS).sqrt()


# Nineteen of the twenty are those of the close before. Only to be called in DECIMAL_34.
@lru_cache(maxsize=65_536)
def _log_return(before: int, after: int) -> Decimal:
    return (Decimal(after) / Decimal(before)).ln()


def over_days(sigma: Decimal, days: int, *, factor: int) -> Decimal:
    """A volatility over some trading days: factor · σ · √(days/252)."""
    with localcontext(DECIMAL_34):
        return factor * sigma * (Decimal(days) / TRADING_DAYS).sqrt()


def sigma_ppm(sigma: Decimal) -> int:
    """The volatility in ppm a year, half to even: for the record, never fed back."""
    with localcontext(DECIMAL_34):
        return int((sigma * PPM).to_integral_value(rounding=ROUND_HALF_EVEN))
