"""Margin of many accounts (RULEBOOK §5): worked by hand, and against a naive twin."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.requirement import maintenance_of, margin_column, requirement_of

INT64_MAX = 2**63 - 1


def column_of(lots: list[int], price: int, rate: int) -> list[int]:
    held = np.array(lots, dtype=np.int64)
    out = np.empty_like(held)
    margin_column(held, price_cents=price, rate_ppm=rate, out=out)
    return [int(cents) for cents in out]


def naive_margin(lots: int, price: int, rate: int) -> int:
    return ceil(Fraction(abs(lots) * price * rate, 1_000_000))


def test_a_thousand_lots_at_two_dollars_ask_eight_percent_of_their_value() -> None:
    found = requirement_of(
        np.array([[1000], [-1000]]), price_cents=[200], rate_ppm=[80_000], maintenance_ppm=750_000
    )
    assert found.initial.tolist() == [16_000, 16_000]
    assert found.maintenance.tolist() == [12_000, 12_000]


def test_each_position_is_rounded_up_before_the_sum() -> None:
    # 207 · 8 % = 16.56 and 208 · 8 % = 16.64, each 17.
    found = requirement_of(
        np.array([[1, -1], [0, 3]]),
        price_cents=[207, 208],
        rate_ppm=[80_000, 80_000],
        maintenance_ppm=750_000,
    )
    assert found.parts.tolist() == [[17, 17], [0, 50]]
    assert found.initial.tolist() == [34, 50]
    assert found.maintenance.tolist() == [26, 38]


def test_maintenance_is_three_quarters_rounded_up_also_of_the_largest_amount() -> None:
    initial = [0, 1, 2, 3, 4, 5, INT64_MAX]
    expected = [ceil(Fraction(3 * cents, 4)) for cents in initial]
    assert maintenance_of(np.array(initial, dtype=np.int64), share_ppm=750_000).tolist() == expected


@given(st.integers(0, INT64_MAX), st.integers(1, 1_000_000))
@example(INT64_MAX, 1)
@example(INT64_MAX, 999_999)
@example(INT64_MAX, 1_000_000)
def test_maintenance_is_any_share_rounded_up(initial: int, share_ppm: int) -> None:
    found = maintenance_of(np.array([initial], dtype=np.int64), share_ppm=share_ppm)
    assert found.tolist() == [ceil(Fraction(initial * share_ppm, 1_000_000))]


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


def test_a_sum_beyond_int64_breaks_a_law() -> None:
    lots = np.array([[2**62, 2**62]])
    with pytest.raises(AssertionError, match="initial margin up to 9223372036854775808 cents"):
        requirement_of(
            lots, price_cents=[1, 1], rate_ppm=[1_000_000, 1_000_000], maintenance_ppm=750_000
        )


def test_large_margins_of_different_accounts_need_not_fit_together() -> None:
    lots = np.array([[2**62, 0], [0, -(2**62)]])
    found = requirement_of(
        lots, price_cents=[1, 1], rate_ppm=[1_000_000, 1_000_000], maintenance_ppm=750_000
    )
    assert found.initial.tolist() == [2**62, 2**62]


def test_no_accounts_and_no_contracts_ask_nothing() -> None:
    none = requirement_of(
        np.zeros((0, 1), dtype=np.int64),
        price_cents=[207],
        rate_ppm=[80_000],
        maintenance_ppm=750_000,
    )
    flat = requirement_of(
        np.zeros((2, 0), dtype=np.int64), price_cents=[], rate_ppm=[], maintenance_ppm=750_000
    )
    assert none.initial.tolist() == []
    assert flat.initial.tolist() == [0, 0]


LOTS = st.one_of(
    st.integers(min_value=-(2**63), max_value=INT64_MAX),
    st.integers(min_value=-(10**10), max_value=10**10),
)
PRICES = st.integers(min_value=0, max_value=10**7)
RATES = st.integers(min_value=0, max_value=3_000_000)


@given(lots=st.lists(LOTS, max_size=5), price=PRICES, rate=RATES)
@example(lots=[2**53 - 1, 2**53 - 2], price=1, rate=1)  # the last on the way of float64
@example(lots=[2**53, -(2**53)], price=1, rate=999_999)  # the first that is not
@example(lots=[9_007_199_254 * 10**6 + 1], price=1, rate=1)  # a millionth above a whole cent
@example(lots=[9_007_199_255 * 10**6 + 1], price=1, rate=1)  # float64 would lose that millionth
@example(lots=[INT64_MAX - 10**6], price=1, rate=1)  # the last on the way of int64
@example(lots=[INT64_MAX, -(2**63)], price=1, rate=1)  # only Python ints are left
@example(lots=[INT64_MAX, 0], price=1, rate=999_999)
def test_every_way_agrees_with_exact_fractions(lots: list[int], price: int, rate: int) -> None:
    expected = [naive_margin(held, price, rate) for held in lots]
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


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [10**4, 10**9, 10**11, 10**15])
def test_a_matrix_of_several_blocks_agrees_with_whole_integers(order: str, size: int) -> None:
    accounts = np.arange(40_000, dtype=np.int64)
    lots = np.stack([accounts * 7919 % size - size // 2, size // 2 - accounts], axis=1)
    lots = np.array(lots, order="F" if order == "F" else "C")
    found = requirement_of(
        lots, price_cents=[207, 211], rate_ppm=[80_000, 123_457], maintenance_ppm=750_000
    )
    rows = lots.tolist()
    expected = [
        [naive_margin(one, 207, 80_000), naive_margin(two, 211, 123_457)] for one, two in rows
    ]
    assert found.parts.tolist() == expected
    assert found.initial.tolist() == [sum(parts) for parts in expected]
