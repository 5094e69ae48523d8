"""Margin rates and requirements of the twin, eq. 7 with `decimal` (RULEBOOK 5)."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext

FLOOR = Decimal("0.08")
ALPHA = 3
DAYS = 20
YEAR_DAYS = 252
CLOSE_OUT_DAYS = 2
DIGITS = 34
ABOVE_BAND_PPM = 120_000
MILLION = 1_000_000


def rate(settlements: list[int], fixings: list[int]) -> tuple[int, int | None, str]:
    """Give rate_ppm (up), sigma_ppm (half even, None if none) and sigma's source."""
    for source, prices in (("contract", settlements), ("tpi", fixings)):
        last = prices[-DAYS - 1 :]
        if len(last) == DAYS + 1 and min(last) > 0:
            return (*rate_of(last), source)
    return int(FLOOR * MILLION), None, "none"


def rate_of(prices: list[int]) -> tuple[int, int]:
    """Give max(alpha sigma sqrt(T), floor) and sigma of 21 prices, both in ppm."""
    with localcontext() as context:
        context.prec = DIGITS
        context.rounding = ROUND_HALF_EVEN
        pairs = zip(prices[1:], prices, strict=False)
        returns = [(Decimal(new) / Decimal(old)).ln() for new, old in pairs]
        mean = sum(returns, Decimal(0)) / DAYS
        squares = sum(((found - mean) ** 2 for found in returns), Decimal(0))
        sigma = (squares / (DAYS - 1)).sqrt() * Decimal(YEAR_DAYS).sqrt()
        asked = ALPHA * sigma * (Decimal(CLOSE_OUT_DAYS) / Decimal(YEAR_DAYS)).sqrt()
        up = (max(asked, FLOOR) * MILLION).to_integral_value(ROUND_CEILING)
        return int(up), int((sigma * MILLION).to_integral_value(ROUND_HALF_EVEN))


def margin_cents(lots: int, price: int, rate_ppm: int) -> int:
    """Give ceil(|lots| x price in cents per lot x rate) (RULEBOOK 5)."""
    return -(-abs(lots) * price * rate_ppm // MILLION)


def maintenance_cents(initial: int) -> int:
    """Give ceil(75 % of initial)."""
    return -(-initial * 75 // 100)
