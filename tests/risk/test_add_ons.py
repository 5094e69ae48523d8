"""Add-ons (RULEBOOK §5): by hand, against a naive twin in fractions, and what never holds less."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.add_ons import add_ons, growth_ppm
from risk.margin import NO_ADD_ON, AddOn, Holding, Measure, rate

INT64_MAX = 2**63 - 1
# The growth of the 99 % move, at days: straight between, the last for ever.
POINTS = [(2, "1"), (3, "1.4"), (5, "1.89"), (10, "2.38"), (20, "2.8")]


def growth_twin(lots: int, traded: int) -> Fraction:
    """g(max(2, 1 + 2 · lots / traded)) by straight lines."""
    days = Fraction(20) if traded == 0 else min(Fraction(20), 1 + Fraction(2 * lots, traded))
    days = max(Fraction(2), days if lots else Fraction(2))
    for (low, before), (high, after) in pairwise(POINTS):
        if days <= high:
            share = (days - low) / (high - low)
            return Fraction(before) + share * (Fraction(after) - Fraction(before))
    return Fraction(POINTS[-1][1])


def twin(lots: int, price: int, add_on: AddOn, *, long_ppm: int, short_ppm: int) -> int:
    """The add-on of one position in cents."""
    rate_ppm = long_ppm if lots > 0 else short_ppm
    ppm = 0
    if add_on.traded_lots is not None:
        growth = ceil(10**6 * growth_twin(abs(lots), add_on.traded_lots))
        ppm += add_on.half_spread_ppm + ceil(Fraction((growth - 10**6) * rate_ppm, 10**6))
    if add_on.jump_ppm is not None:
        ppm += max(0, add_on.jump_ppm - rate_ppm)
    return ceil(Fraction(abs(lots) * price * ppm, 10**6))


def charged(
    lots: list[int], price: int | None, add_on: AddOn | None, measure: Measure
) -> list[int]:
    numbers = np.arange(len(lots))
    holding = Holding(numbers, np.array(lots, dtype=np.int64), price, measure, "SIT", add_on)
    return [int(cents) for cents in add_ons([holding], len(lots))]


@pytest.mark.parametrize(
    ("lots", "traded", "growth"),
    [
        (50, 100, 1_000_000),
        (100, 100, 1_400_000),
        (200, 100, 1_890_000),
        (450, 100, 2_380_000),
        (950, 100, 2_800_000),
        (10**9, 100, 2_800_000),
        (75, 100, 1_200_000),
        (1, 0, 2_800_000),
    ],
)
def test_the_move_grows_with_the_days_that_closing_takes(
    lots: int, traded: int, growth: int
) -> None:
    assert growth_ppm(np.array([lots]), traded).tolist() == [growth]


def test_concentration_is_charged_on_the_rate_of_the_side_and_half_the_spread() -> None:
    # 100 lots of 100 traded: g = 1.4. Long 40 % of 10 % + 1 % = 5 % of 20,000; short 40 % of 30 %.
    measure = Measure("scan", (100_000, -300_000))
    assert charged([100, -100, 0], 200, AddOn(100, 10_000, None), measure) == [1_000, 2_600, 0]


def test_a_jump_to_the_limit_asks_what_the_rate_lacks() -> None:
    measure = Measure("scan", (100_000, -300_000))
    assert charged([10, -10], 200, AddOn(None, 0, 250_000), measure) == [300, 0]


def test_without_a_price_or_without_an_add_on_nothing_is_asked() -> None:
    assert charged([10], None, AddOn(0, 10_000, 250_000), rate(80_000)) == [0]
    assert charged([10], 200, None, rate(80_000)) == [0]
    assert charged([10], 200, NO_ADD_ON, rate(80_000)) == [0]


def test_an_add_on_beyond_int64_breaks_a_law() -> None:
    with pytest.raises(OverflowError, match="is beyond int64"):
        charged([2**62], 10**6, AddOn(0, 10**6, None), rate(80_000))


LOTS = st.one_of(st.integers(-(10**4), 10**4), st.integers(-(10**12), 10**12))
ADD_ONS = st.builds(
    AddOn,
    traded_lots=st.one_of(st.none(), st.integers(0, 3_000), st.integers(0, 10**13)),
    half_spread_ppm=st.integers(0, 50_000),
    jump_ppm=st.one_of(st.none(), st.integers(1, 10**6)),
)


@given(
    lots=st.lists(LOTS, max_size=4),
    price=st.integers(1, 10**6),
    add_on=ADD_ONS,
    long_ppm=st.integers(0, 10**6),
    short_ppm=st.integers(0, 3 * 10**6),
)
@example(lots=[19, 20, -21], price=1, add_on=AddOn(2, 0, None), long_ppm=10**6, short_ppm=1)
def test_every_position_is_charged_as_by_fractions(
    lots: list[int], price: int, add_on: AddOn, long_ppm: int, short_ppm: int
) -> None:
    measure = Measure("scan", (long_ppm, -short_ppm))
    if add_on.traded_lots is None:
        add_on = add_on._replace(half_spread_ppm=0)
    elif add_on.traded_lots > 10**12:
        return
    expected = [twin(p, price, add_on, long_ppm=long_ppm, short_ppm=short_ppm) for p in lots]
    assert charged(lots, price, add_on, measure) == expected


@given(
    lots=st.integers(1, 10**6),
    more_lots=st.integers(0, 10**6),
    price=st.integers(1, 10**4),
    add_on=ADD_ONS,
    rate_ppm=st.integers(0, 10**6),
)
def test_more_lots_are_never_charged_less(
    lots: int, more_lots: int, price: int, add_on: AddOn, rate_ppm: int
) -> None:
    few, many = charged([lots, lots + more_lots], price, add_on, rate(rate_ppm))
    assert 0 <= few <= many


@given(rows=st.lists(LOTS, min_size=1, max_size=5), add_on=ADD_ONS)
def test_order_and_batch_of_accounts_do_not_matter(rows: list[int], add_on: AddOn) -> None:
    together = charged(rows, 207, add_on, rate(80_000))
    assert charged(rows[::-1], 207, add_on, rate(80_000)) == together[::-1]
    assert [charged([row], 207, add_on, rate(80_000))[0] for row in rows] == together


def test_a_position_of_a_day_of_trading_takes_three_days() -> None:
    assert growth_ppm(np.array([1]), 1).tolist() == [1_400_000]
