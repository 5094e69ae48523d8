"""Margin of many accounts (RULEBOOK §5): worked by hand, and against a naive twin."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.requirement import maintenance_of, margin_column

INT64_MAX = 2**63 - 1


def column_of(lots: list[int], price: int, rate: int) -> list[int]:
    column = np.array(lots, dtype=np.int64)
    out = np.empty_like(column)
    margin_column(column, price_cents=price, rate_ppm=rate, out=out)
    return [int(cents) for cents in out]


def naive_margin(lots: int, price: int, rate: int) -> int:
    return ceil(Fraction(abs(lots) * price * rate, 1_000_000))


def test_maintenance_is_three_quarters_rounded_up_also_of_the_largest_amount() -> None:
    initial = [0, 1, 2, 3, 4, 5, INT64_MAX]
    expected = [ceil(Fraction(3 * cents, 4)) for cents in initial]
    assert maintenance_of(np.array(initial, dtype=np.int64), share_ppm=750_000).tolist() == expected


@given(st.integers(0, INT64_MAX), st.integers(1, 1_000_000))
@example(INT64_MAX, 1)
@example(INT64_MAX, 999_999)
@example(INT64_MAX, 1_000_000)
def test_maintenance_is_any_share_rounded_up(initial: int, share_ppm: int) -> None:
    maintenance = maintenance_of(np.array([initial], dtype=np.int64), share_ppm=share_ppm)
    assert maintenance.tolist() == [ceil(Fraction(initial * share_ppm, 1_000_000))]


def test_a_price_or_a_rate_of_zero_asks_nothing() -> None:
    assert column_of([5, -(2**63)], 0, 80_000) == [0, 0]
    assert column_of([5, -(2**63)], 207, 0) == [0, 0]


@pytest.mark.parametrize(("price", "rate"), [(-1, 80_000), (207, -1)])
def test_a_negative_price_or_rate_breaks_a_law(price: int, rate: int) -> None:
    with pytest.raises(AssertionError, match="found -1"):
        column_of([1], price, rate)


def test_a_margin_beyond_int64_breaks_a_law_that_names_it() -> None:
    with pytest.raises(AssertionError, match="margin of 9223372036854775808 cents"):
        column_of([-(2**63)], 1, 1_000_000)


LOTS = st.one_of(
    st.integers(min_value=-(2**63), max_value=INT64_MAX),
    st.integers(min_value=-(10**10), max_value=10**10),
)
PRICES = st.integers(min_value=0, max_value=10**7)
RATES = st.integers(min_value=0, max_value=3_000_000)


@given(lots=st.lists(LOTS, max_size=5), price=PRICES, rate=RATES)
@example(lots=[2**53 - 1, 2**53 - 2], price=1, rate=1)  # the last computed by float64
@example(lots=[2**53, -(2**53)], price=1, rate=999_999)  # the first that is not
@example(lots=[9_007_199_254 * 10**6 + 1], price=1, rate=1)  # a millionth above a whole cent
@example(lots=[9_007_199_255 * 10**6 + 1], price=1, rate=1)  # float64 would lose that millionth
@example(lots=[INT64_MAX - 10**6], price=1, rate=1)  # the last computed by int64
@example(lots=[INT64_MAX, -(2**63)], price=1, rate=1)  # Python ints only
@example(lots=[INT64_MAX, 0], price=1, rate=999_999)
def test_every_way_agrees_with_exact_fractions(lots: list[int], price: int, rate: int) -> None:
    expected = [naive_margin(position, price, rate) for position in lots]
    if max(expected, default=0) <= INT64_MAX:
        assert column_of(lots, price, rate) == expected
    else:
        with pytest.raises(AssertionError, match="beyond int64"):
            column_of(lots, price, rate)


@given(
    quotient=st.integers(min_value=1, max_value=2**53 // 10**6 - 1),
    divisor_rate=st.integers(min_value=1, max_value=999_999),
    offset=st.sampled_from([-1, 0, 1]),
)
def test_next_to_a_whole_cent_float64_does_not_err(
    quotient: int, divisor_rate: int, offset: int
) -> None:
    lots = quotient * 10**6 // divisor_rate + offset
    assert column_of([lots], 1, divisor_rate) == [naive_margin(lots, 1, divisor_rate)]
