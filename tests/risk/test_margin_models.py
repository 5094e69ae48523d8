"""The margin models (RULEBOOK §5): the sources of σ₂₀ in order, the floor, the rounding up."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin_models import (
    MODEL_DEFAULT,
    MODELS,
    MarginParameters,
    MarginRate,
    is_above_band,
)
from risk.margin_paper import paper

PARAMETERS = MarginParameters()
CALM = [200] * 21
WILD = [100, 200] * 10 + [100]


def exact_rate_ppm(prices: list[int], alpha: int, days: int) -> int:
    """α · σ₂₀ · √T by sums of squares at 60 digits, rounded up."""
    with localcontext(Context(prec=60)):
        returns = [(Decimal(b) / a).ln() for a, b in pairwise(prices)]
        mean = sum(returns, Decimal(0)) / 20
        variance = sum(((value - mean) ** 2 for value in returns), Decimal(0)) / 19
        return ceil(alpha * 1_000_000 * (variance * days).sqrt())


def test_the_paper_is_the_default_model() -> None:
    assert MODELS[MODEL_DEFAULT] is paper


@pytest.mark.parametrize(("settlements", "fixings"), [([], []), (CALM[:20], WILD[:20])])
def test_without_21_prices_of_either_kind_the_rate_is_the_floor(
    settlements: list[int], fixings: list[int]
) -> None:
    found = paper(settlements, fixings, parameters=PARAMETERS)
    assert found == MarginRate(80_000, None, "none")


def test_the_contract_own_prices_come_first() -> None:
    found = paper(CALM, WILD, parameters=PARAMETERS)
    assert found == MarginRate(80_000, 0, "contract")


def test_until_it_has_them_the_fixings_are_taken() -> None:
    assert paper(CALM[:20], CALM, parameters=PARAMETERS) == MarginRate(80_000, 0, "tpi")


def test_only_the_last_21_prices_count() -> None:
    assert paper([*WILD, *CALM], [], parameters=PARAMETERS).sigma_ppm == 0
    assert paper([], [0, *CALM], parameters=PARAMETERS).sigma_source == "tpi"


def test_a_fixing_of_zero_gives_no_volatility() -> None:
    found = paper([], [0, *CALM[:20]], parameters=PARAMETERS)
    assert found == MarginRate(80_000, None, "none")


def test_prices_that_double_and_halve_ask_for_three_times_their_two_day_volatility() -> None:
    # s = ln 2 · √(20/19) = 0.711157...; 3 · s · √2 = 3.0171835...; σ = s · √252 = 11.2892...
    found = paper(WILD, [], parameters=PARAMETERS)
    assert found.rate_ppm == exact_rate_ppm(WILD, 3, 2)
    assert str(found.rate_ppm).startswith("3017")
    assert str(found.sigma_ppm).startswith("112892")


def test_the_rate_is_rounded_up_and_the_volatility_half_to_even() -> None:
    # Without a floor: one step of 1 in 10⁹ among 20, s = 10⁻⁹/√20; 3 · s · √2 is below a ppm.
    prices = [10**9] * 20 + [10**9 + 1]
    found = paper(prices, [], parameters=MarginParameters(floor_ppm=0))
    assert found == MarginRate(1, 0, "contract")


@pytest.mark.parametrize(("rate_ppm", "is_above"), [(120_000, False), (120_001, True)])
def test_a_rate_above_twelve_percent_is_above_the_band(rate_ppm: int, *, is_above: bool) -> None:
    assert is_above_band(MarginRate(rate_ppm, None, "none"), PARAMETERS) is is_above


@given(
    prices=st.lists(st.integers(min_value=1, max_value=10**6), min_size=21, max_size=21),
    alpha=st.integers(min_value=1, max_value=5),
    days=st.integers(min_value=1, max_value=10),
)
def test_the_rate_is_the_exact_one_rounded_up(prices: list[int], alpha: int, days: int) -> None:
    parameters = MarginParameters(alpha_ppm=alpha * 10**6, close_out_days=days, floor_ppm=5_000)
    found = paper(prices, [], parameters=parameters)
    if len(set(prices)) > 1:
        assert found.rate_ppm == max(exact_rate_ppm(prices, alpha, days), 5_000)
    assert found.rate_ppm >= 5_000
