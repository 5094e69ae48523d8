"""Shares of a whole (RULEBOOK §7, §9.8), worked by hand and against a second method."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.units import INT64_MAX
from risk.shares import shares

WEIGHTS = st.dictionaries(st.text("ABCab-.", min_size=1, max_size=2), st.integers(0, INT64_MAX))


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, {"A": 1, "B": 1, "C": 1}, {"A": 34, "B": 33, "C": 33}),  # equal: A is first
        (100, {"C": 1, "B": 1, "A": 1}, {"A": 34, "B": 33, "C": 33}),  # however they come
        (101, {"A": 1, "B": 1, "C": 1}, {"A": 34, "B": 34, "C": 33}),
        (10, {"A": 1, "B": 2, "C": 4}, {"A": 1, "B": 3, "C": 6}),  # 1.43, 2.86, 5.71
        (1, {"A": 1, "B": 2}, {"A": 0, "B": 1}),
        (7, {"A": 0, "B": 3}, {"A": 0, "B": 7}),
        (100, {"A": 0, "B": 0, "C": 0}, {"A": 34, "B": 33, "C": 33}),  # equal shares
        (0, {"A": 1, "B": 2}, {"A": 0, "B": 0}),
        (0, {"A": 0}, {"A": 0}),
        (5, {}, {}),
        (5, {"A": 0}, {"A": 5}),
        # A product beyond int64: 2⁶³ − 1 shared by weights of 2⁶³ − 1 each.
        (INT64_MAX, {"A": INT64_MAX, "B": INT64_MAX}, {"A": 2**62, "B": 2**62 - 1}),
    ],
)  # fmt: skip
def test_the_largest_remainders_get_what_is_left_of_equals_the_first_by_name(
    amount: int, weights: dict[str, int], parts: dict[str, int]
) -> None:
    assert shares(amount, weights) == parts


def test_the_parts_come_in_the_order_of_names() -> None:
    assert list(shares(5, {"b": 1, "a": 1, "B": 1})) == ["B", "a", "b"]


def unit_by_unit(amount: int, weights: dict[str, int]) -> dict[str, int]:
    """A second method: the floors, then one unit at a time to whoever is furthest below."""
    whole = sum(weights.values())
    exact = {
        name: Fraction(amount * weight, whole) if whole else Fraction(amount, len(weights))
        for name, weight in weights.items()
    }
    parts = {name: int(share) for name, share in exact.items()}
    while weights and sum(parts.values()) < amount:
        furthest = min(parts, key=lambda name: (parts[name] - exact[name], name))
        parts[furthest] += 1
    return parts


@given(st.integers(0, INT64_MAX), WEIGHTS)
def test_the_parts_add_up_and_are_those_of_a_second_method(
    amount: int, weights: dict[str, int]
) -> None:
    parts = shares(amount, weights)
    assert sum(parts.values()) == (amount if weights else 0)
    assert parts == unit_by_unit(amount, weights)
    if amount <= sum(weights.values()):
        assert all(parts[name] <= weights[name] for name in weights)


@pytest.mark.parametrize(("amount", "weights"), [(-1, {"A": 1}), (1, {"A": -1, "B": 3})])
def test_nothing_below_zero_is_shared(amount: int, weights: dict[str, int]) -> None:
    with pytest.raises(AssertionError, match="-1"):
        shares(amount, weights)
