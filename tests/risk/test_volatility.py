"""σ₂₀ (RULEBOOK §5): a published table, values by hand, and a second method at 60 digits."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.volatility import over_days, sigma20, sigma_ppm

# Hull, Options, Futures, and Other Derivatives, table 15.1: 21 closing prices, in cents. Printed:
# s = 0.01216, σ = 0.193.
HULL = [
    2000, 2010, 1990, 2000, 2050, 2025, 2090, 2090, 2090, 2075, 2075,
    2100, 2110, 2090, 2090, 2125, 2140, 2140, 2125, 2175, 2200,
]  # fmt: skip


def second_method(prices: list[int]) -> Decimal:
    """From sums of logs and of squares, at 60 digits."""
    with localcontext(Context(prec=60)):
        logs = [Decimal(price).ln() for price in prices]
        returns = [later - earlier for earlier, later in pairwise(logs)]
        squares = sum((value * value for value in returns), Decimal(0))
        variance = (squares - sum(returns, Decimal(0)) ** 2 / 20) / 19
        return (max(variance, Decimal(0)) * 252).sqrt()


def test_a_published_table_gives_its_printed_volatility() -> None:
    sigma = sigma20(HULL)
    assert round(sigma, 3) == Decimal("0.193")
    assert round(over_days(sigma, 1, factor=1), 5) == Decimal("0.01216")


def test_prices_that_double_and_halve_have_a_volatility_known_by_hand() -> None:
    # Returns ±ln 2, mean 0: s² = 20/19 · ln² 2; σ = ln 2 · √(20/19 · 252).
    with localcontext(Context(prec=60)):
        exact = Decimal(2).ln() * (Decimal(20 * 252) / 19).sqrt()
    assert abs(sigma20([100, 200] * 10 + [100]) - exact) < Decimal("1e-31")


def test_prices_that_do_not_move_have_none() -> None:
    assert sigma20([207] * 21) == 0
    assert sigma_ppm(Decimal(0)) == 0


def test_it_has_34_digits_whatever_the_context_outside() -> None:
    inside = sigma20(HULL)
    with localcontext(Context(prec=5)):
        assert sigma20(HULL) == inside
    assert len(inside.as_tuple().digits) == 34


@pytest.mark.parametrize(
    ("sigma", "ppm"),
    [("0.1929990", 192_999), ("0.0000005", 0), ("0.0000015", 2), ("0.00000050001", 1)],
)
def test_the_recorded_volatility_is_rounded_half_to_even(sigma: str, ppm: int) -> None:
    assert sigma_ppm(Decimal(sigma)) == ppm


def test_two_days_are_the_root_of_two_in_252() -> None:
    # 0.61 · √(2/252) · 3 = 0.16303...: the paper's own process asks for 16 %.
    assert round(over_days(Decimal("0.61"), 2, factor=3), 4) == Decimal("0.1630")


@pytest.mark.parametrize("count", [20, 22])
def test_another_number_of_prices_breaks_a_law(count: int) -> None:
    with pytest.raises(AssertionError, match=f"expected 21 prices, found {count}"):
        sigma20([207] * count)


def test_a_price_of_zero_breaks_a_law() -> None:
    with pytest.raises(AssertionError, match="expected prices above 0, found 0"):
        sigma20([0] + [207] * 20)


@given(st.lists(st.integers(min_value=1, max_value=10**12), min_size=21, max_size=21))
def test_a_second_method_agrees_to_thirty_digits(prices: list[int]) -> None:
    assert abs(sigma20(prices) - second_method(prices)) < Decimal("1e-28")
