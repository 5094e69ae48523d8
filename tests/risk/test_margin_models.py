"""The margin models (RULEBOOK §5): the sources of σ₂₀ in order, the floor, the rounding up."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.parameters import PARAMETERS
from risk.margin import ContractHistory, Measure, rate, stated_measure
from risk.margin_models import HISTORY_DAYS, MODELS
from risk.margin_paper import measure

SETTINGS = {"margin_alpha_ppm": 3_000_000, "margin_days": 2, "margin_floor_ppm": 80_000}
CALM = [200] * 21
WILD = [100, 200] * 10 + [100]


def exact_rate_ppm(prices: list[int], alpha: int, days: int) -> int:
    """α · σ₂₀ · √T by sums of squares at 60 digits, rounded up."""
    with localcontext(Context(prec=60)):
        returns = [(Decimal(b) / a).ln() for a, b in pairwise(prices)]
        mean = sum(returns, Decimal(0)) / 20
        variance = sum(((value - mean) ** 2 for value in returns), Decimal(0)) / 19
        return ceil(alpha * 1_000_000 * (variance * days).sqrt())


def paper(settlements: list[int], fixings: list[int], **settings: int) -> Measure:
    return measure(ContractHistory(settlements, fixings), SETTINGS | settings)


def measured(rate_ppm: int, sigma_ppm: int | None, source: str) -> Measure:
    return rate(rate_ppm, sigma_ppm=sigma_ppm, sigma_source=source)


def test_the_default_of_the_parameter_is_in_the_table() -> None:
    assert PARAMETERS["margin_model"].default in MODELS


def test_each_model_reads_parameters_there_are_and_no_more_history_than_is_kept() -> None:
    for model in MODELS.values():
        assert {*model.parameters} <= PARAMETERS.keys()
        assert model.history_days <= HISTORY_DAYS


@pytest.mark.parametrize(("settlements", "fixings"), [([], []), (CALM[:20], WILD[:20])])
def test_without_21_prices_of_either_kind_the_rate_is_the_floor(
    settlements: list[int], fixings: list[int]
) -> None:
    assert paper(settlements, fixings) == measured(80_000, None, "none")


def test_the_contract_own_prices_come_first() -> None:
    assert paper(CALM, WILD) == measured(80_000, 0, "contract")


def test_until_it_has_them_the_fixings_are_taken() -> None:
    assert paper(CALM[:20], CALM) == measured(80_000, 0, "tpi")


def test_only_the_last_21_prices_count() -> None:
    assert paper([*WILD, *CALM], []).evidence["sigma_ppm"] == 0
    assert paper([], [0, *CALM]).evidence["sigma_source"] == "tpi"


def test_a_fixing_of_zero_gives_no_volatility() -> None:
    assert paper([], [0, *CALM[:20]]) == measured(80_000, None, "none")


def test_prices_that_double_and_halve_ask_for_three_times_their_two_day_volatility() -> None:
    # s = ln 2 · √(20/19) = 0.711157...; 3 · s · √2 = 3.0171835...; σ = s · √252 = 11.2892...
    made = paper(WILD, [])
    assert made.shocks_ppm == (exact_rate_ppm(WILD, 3, 2),)
    assert str(made.shocks_ppm[0]).startswith("3017")
    assert str(made.evidence["sigma_ppm"]).startswith("112892")


def test_the_rate_is_rounded_up_and_the_volatility_half_to_even() -> None:
    # Without a floor: one step of 1 in 10⁹ among 20, s = 10⁻⁹/√20; 3 · s · √2 is below a ppm.
    prices = [10**9] * 20 + [10**9 + 1]
    assert paper(prices, [], margin_floor_ppm=0) == measured(1, 0, "contract")


@given(
    prices=st.lists(st.integers(min_value=1, max_value=10**6), min_size=21, max_size=21),
    alpha=st.integers(min_value=1, max_value=5),
    days=st.integers(min_value=1, max_value=10),
)
def test_the_rate_is_the_exact_one_rounded_up(prices: list[int], alpha: int, days: int) -> None:
    settings = {"margin_alpha_ppm": alpha * 10**6, "margin_days": days, "margin_floor_ppm": 5_000}
    (rate_ppm,) = paper(prices, [], **settings).shocks_ppm
    if len(set(prices)) > 1:
        assert rate_ppm == max(exact_rate_ppm(prices, alpha, days), 5_000)
    assert rate_ppm >= 5_000


def test_the_measure_of_a_recorded_fact_has_the_losses_that_it_states() -> None:
    """A rate is lost by either side; of scenarios each side loses in its worst."""
    rated = stated_measure({"rate_ppm": 80_000})
    assert (rated.axis, rated.long_ppm, rated.short_ppm) == ("rate", 80_000, 80_000)
    scenarios = {"axis": "a", "shocks_ppm": [5, -7], "evidence": {"days": 3}, "fallback": "short"}
    assert stated_measure(scenarios) == Measure("a", (5, -7), {"days": 3}, "short")
