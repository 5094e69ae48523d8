"""Position limits (RULEBOOK §6), worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.position_limits import LimitParameters, crossings, limit_lots

SMALL = LimitParameters(bracket_cents=100_000, floor_cents=10_000)


@pytest.mark.parametrize(
    ("open_interest", "price", "limit"),
    [
        (0, 100, 100),  # the floor: 10,000 cents / 100
        (500, 100, 100),  # 10 % is 50: the floor
        (1_000, 100, 100),  # the bracket: 100,000 / 100; 10 % of it is the floor
        (1_039, 100, 100),  # 100 + 2.5 % of 39 = 100.975
        (1_040, 100, 101),
        (5_000, 100, 200),  # 100 + 2.5 % of 4,000
        (5_000, 300, 150),  # in cents, exact: 10,000 + 2.5 % of 1,400,000 = 45,000; / 300
        (5_000, 299, 150),  # 10,000 + 2.5 % of 1,395,000 = 44,875; / 299 = 150.08
        (4_999, 300, 149),  # 10,000 + 2.5 % of 1,399,700 = 44,992.5; / 300 = 149.975
        (5_000, 7, 1_428),  # the floor: 1,428.57
    ],
)
def test_ten_percent_up_to_the_bracket_and_two_and_a_half_beyond_never_below_the_floor(
    open_interest: int, price: int, limit: int
) -> None:
    assert limit_lots(open_interest, price, parameters=SMALL) == limit


def test_by_default_the_floor_is_25_million_dollars_at_the_price() -> None:
    assert limit_lots(0, 207, parameters=LimitParameters()) == 12_077_294


def test_by_default_the_bracket_is_250_million_dollars_at_the_price() -> None:
    # 125,000,000 lots at $2.00; 12,500,000 + 2.5 % of 875,000,000.
    assert limit_lots(10**9, 200, parameters=LimitParameters()) == 34_375_000


@pytest.mark.parametrize(
    ("before", "after", "is_warned", "is_breached"),
    [
        (0, 80, False, False),  # exactly 80 % is not crossed
        (80, 81, True, False),
        (81, 100, False, False),  # exactly the limit is not crossed
        (81, 101, False, True),
        (0, 101, True, True),
        (101, 102, False, False),
        (0, -81, True, False),
        (0, -101, True, True),
        (150, -150, False, False),
        (101, 90, False, False),
    ],
)
def test_a_limit_is_crossed_from_not_above_to_above(
    before: int, after: int, *, is_warned: bool, is_breached: bool
) -> None:
    assert crossings(before, after, limit=100) == (is_warned, is_breached)


LOTS = st.integers(min_value=0, max_value=10**18)


@given(first=LOTS, second=LOTS, price=st.integers(min_value=1, max_value=10**6))
def test_more_open_interest_never_lowers_the_limit(first: int, second: int, price: int) -> None:
    low, high = sorted((first, second))
    parameters = LimitParameters()
    assert limit_lots(low, price, parameters=parameters) <= limit_lots(
        high, price, parameters=parameters
    )
