"""The model `paper_apc` (RULEBOOK §5, EMIR RTS 153/2013 art. 28): each measure by hand and twin."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import RATE, ContractHistory, Measure
from risk.margin_apc import apc_rate

EQ_7 = {"margin_alpha_ppm": 3_000_000, "margin_days": 2, "margin_floor_ppm": 80_000}
OFF = {"apc_stressed_ppm": 0, "apc_buffer_ppm": 0, "apc_floor_days": 0}
CALM = [200] * 21
WILD = [1_000, 1_020] * 15


def apc(settlements: list[int], fixings: list[int], **settings: int) -> Measure:
    return apc_rate(ContractHistory(settlements, fixings), EQ_7 | OFF | settings)


def twin_ppm(prices: list[int], alpha: int = 3, days: int = 2) -> int:
    """α · s · √T of all the returns, by deviations from the mean at 60 digits, rounded up."""
    with localcontext(Context(prec=60)):
        returns = [(Decimal(after) / before).ln() for before, after in pairwise(prices)]
        mean = sum(returns, Decimal(0)) / len(returns)
        squares = sum(((value - mean) ** 2 for value in returns), Decimal(0))
        return ceil(alpha * 10**6 * (squares / (len(returns) - 1) * days).sqrt())


def test_without_any_measure_it_is_eq_7() -> None:
    made = apc(CALM, WILD)
    assert (made.axis, made.long_ppm, made.short_ppm, made.fallback) == (RATE, 80_000, 80_000, None)
    assert made.evidence == {
        "sigma_ppm": 0,
        "sigma_source": "contract",
        "stressed_ppm": None,
        "floor_ppm": None,
        "returns": 29,
    }


def test_a_buffer_of_a_quarter_is_added() -> None:
    assert apc(CALM, [], apc_buffer_ppm=250_000).long_ppm == 100_000
    assert apc(CALM, [], apc_buffer_ppm=250_001).long_ppm == 100_001


def test_stressed_observations_have_a_quarter_of_the_weight() -> None:
    # 29 returns of ± ln 1.02: s = 0.0198026 · √(29/28) · √(1 - 1/29²), 3 · s · √2 = 8.545 %.
    stressed = twin_ppm(WILD)
    made = apc(CALM, WILD, apc_stressed_ppm=250_000)
    assert str(stressed).startswith("854")
    assert made.long_ppm == ceil((3 * 80_000 + stressed) / 4)
    assert made.evidence["stressed_ppm"] == stressed
    assert made.fallback == "look_back_below_ten_years"


def test_the_stressed_year_is_the_most_volatile_one() -> None:
    year = [2_000, 2_500] * 126
    fixings = [*CALM * 10, *year, *CALM * 30]
    stressed = apc(CALM, fixings, apc_stressed_ppm=1).evidence["stressed_ppm"]
    expected = max(twin_ppm(fixings[first : first + 253]) for first in range(200, 220))
    assert stressed == expected


def test_the_floor_is_the_volatility_of_the_look_back() -> None:
    made = apc(CALM, WILD, apc_floor_days=2_520)
    assert made.long_ppm == made.evidence["floor_ppm"] == twin_ppm(WILD)
    assert apc(CALM, [*WILD, *CALM], apc_floor_days=20).evidence["floor_ppm"] == 0


def test_with_ten_years_nothing_falls_back() -> None:
    fixings = [1_000, 1_020] * 1_261
    assert apc(CALM, fixings[:2_520], apc_floor_days=2_520).fallback == "look_back_below_ten_years"
    made = apc(CALM, fixings, apc_floor_days=2_520)
    assert (made.fallback, made.evidence["returns"]) == (None, 2_520)


@pytest.mark.parametrize(
    ("fixings", "fallback"),
    [([], "no_look_back"), (WILD[:20], "no_look_back"), ([0, *WILD], "not_positive")],
)
def test_a_short_history_is_named(fixings: list[int], fallback: str) -> None:
    made = apc([], fixings, apc_floor_days=2_520, apc_stressed_ppm=250_000)
    assert made.fallback == fallback
    assert made.long_ppm >= 80_000


def test_a_tripling_asks_the_whole_price_and_no_more() -> None:
    fixings = [10**6] * 20 + [3 * 10**6]
    assert apc([], fixings, apc_buffer_ppm=10**6, apc_floor_days=2_520).long_ppm == 10**6


@given(
    fixings=st.lists(st.integers(-1, 10**12), max_size=60),
    stressed=st.integers(0, 10**6),
    buffer=st.integers(0, 10**6),
    days=st.integers(0, 2_520),
)
def test_each_measure_only_adds_to_the_floor_and_stays_within_the_price(
    fixings: list[int], stressed: int, buffer: int, days: int
) -> None:
    asked = {"apc_stressed_ppm": stressed, "apc_buffer_ppm": buffer, "apc_floor_days": days}
    made = apc([], fixings, **asked)
    assert 80_000 <= made.long_ppm == made.short_ppm <= 10**6
    assert apc([], fixings, **asked | {"apc_buffer_ppm": 0}).long_ppm <= made.long_ppm
    assert apc([], fixings, **asked | {"apc_floor_days": 0}).long_ppm <= made.long_ppm


@given(prices=st.lists(st.integers(1, 10**6), min_size=21, max_size=50), alpha=st.integers(1, 3))
def test_the_floor_is_the_exact_one_rounded_up(prices: list[int], alpha: int) -> None:
    settings = {"margin_alpha_ppm": alpha * 10**6, "apc_floor_days": 2_520}
    floor_ppm = apc([], prices, **settings).evidence["floor_ppm"]
    assert isinstance(floor_ppm, int)
    assert twin_ppm(prices, alpha) <= floor_ppm <= twin_ppm(prices, alpha) + 1
