"""Exact int64 arrays against Python ints, at the ends of the range above all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.int64 import (
    IntArray,
    add,
    add_at,
    bounds,
    magnitude,
    multiply_subtract,
    subtract,
    total,
    totals_by,
)

MIN, MAX = -(2**63), 2**63 - 1
INT64 = st.one_of(st.integers(MIN, MAX), st.sampled_from([MIN, MIN + 1, -1, 0, 1, MAX]))
PAIRS = st.lists(st.tuples(INT64, INT64), max_size=6)


def array_of(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def expect(results: list[int], actual: IntArray | None) -> None:
    """The results are exact; an OverflowError (None) stands for a result beyond int64."""
    if actual is None:
        assert any(not MIN <= result <= MAX for result in results)
    else:
        assert actual.tolist() == results


def test_the_magnitude_of_the_least_int64_does_not_wrap() -> None:
    assert magnitude(array_of([MIN, 5])) == 2**63
    assert bounds(array_of([])) == (0, 0)


@given(values=st.lists(INT64, max_size=6), scalar=st.integers(-(2**64), 2**64))
@example(values=[-1, 0], scalar=2**63)
@example(values=[0], scalar=2**64)
@example(values=[MIN], scalar=-1)
def test_a_product_is_exact_or_an_error(values: list[int], scalar: int) -> None:
    try:
        actual = multiply_subtract(array_of(values), scalar, subtrahend=array_of([0] * len(values)))
    except OverflowError:
        actual = None
    expect([value * scalar for value in values], actual)


@given(pairs=PAIRS)
def test_a_sum_is_exact_or_an_error(pairs: list[tuple[int, int]]) -> None:
    array, operand = (array_of([pair[index] for pair in pairs]) for index in (0, 1))
    try:
        actual = add(array, operand)
    except OverflowError:
        actual = None
    expect([first + second for first, second in pairs], actual)


@given(pairs=PAIRS)
def test_a_difference_is_exact_or_an_error(pairs: list[tuple[int, int]]) -> None:
    array, operand = (array_of([pair[index] for pair in pairs]) for index in (0, 1))
    try:
        actual = subtract(array, operand)
    except OverflowError:
        actual = None
    expect([first - second for first, second in pairs], actual)


@given(pairs=PAIRS, scalar=st.one_of(st.integers(-9, 9), st.integers(-(2**64), 2**64)))
@example(pairs=[(MAX, MAX)], scalar=2)
def test_a_product_may_be_beyond_int64_if_what_is_left_of_it_fits(
    pairs: list[tuple[int, int]], scalar: int
) -> None:
    array, operand = (array_of([pair[index] for pair in pairs]) for index in (0, 1))
    try:
        actual = multiply_subtract(array, scalar, subtrahend=operand)
    except OverflowError:
        actual = None
    expect([first * scalar - second for first, second in pairs], actual)


def test_the_error_names_the_numbers() -> None:
    with pytest.raises(OverflowError, match=f"^{MAX} plus 1 is beyond int64$"):
        add(array_of([0, MAX]), array_of([MAX, 1]))
    with pytest.raises(OverflowError, match=f"^{MIN} minus 1 is beyond int64$"):
        subtract(array_of([0, MIN]), array_of([MIN + 1, 1]))
    with pytest.raises(OverflowError, match=f"^{2 * MAX} is beyond int64$"):
        multiply_subtract(array_of([0, MAX]), 2, subtrahend=array_of([0, 0]))


@pytest.mark.parametrize("index", [slice(1, 3), array_of([1, 2])])
def test_what_is_added_in_place_is_the_same_sum(index: slice | IntArray) -> None:
    sums = array_of([1, 2, MAX - 1])
    add_at(sums, index, addend=array_of([5, 1]))
    assert sums.tolist() == [1, 7, MAX]
    with pytest.raises(OverflowError, match=f"^{MAX} plus 1 is beyond int64$"):
        add_at(sums, index, addend=array_of([-7, 1]))
    assert sums.tolist() == [1, 7, MAX]


def test_one_value_is_added_to_all() -> None:
    assert add(array_of([1, 2]), array_of([MAX - 2])).tolist() == [MAX - 1, MAX]


@given(values=st.lists(INT64, max_size=8))
def test_a_total_is_exact_also_beyond_int64(values: list[int]) -> None:
    assert total(array_of(values)) == sum(values)


@given(pairs=st.lists(st.tuples(st.integers(0, 2), INT64), max_size=8))
def test_totals_by_group_are_exact_also_beyond_int64(pairs: list[tuple[int, int]]) -> None:
    codes = np.array([code for code, _ in pairs], dtype=np.intp)
    totals = totals_by(codes, array_of([value for _, value in pairs]), groups=3)
    assert totals == [sum(value for code, value in pairs if code == group) for group in range(3)]


def test_totals_by_group_are_exact_above_the_integers_of_float64() -> None:
    codes = np.zeros(3, dtype=np.intp)
    assert totals_by(codes, array_of([2**53, 1, 1]), groups=2) == [2**53 + 2, 0]
