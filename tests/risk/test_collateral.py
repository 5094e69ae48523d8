"""What assets count for (RULEBOOK §5), worked by hand and against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.asset_facts import AssetMoved
from events.asset_terms import AssetTerms
from events.int64 import IntArray
from events.units import HOUR_NS, INT64_MAX
from risk.asset_prices import AssetPrice
from risk.collateral import (
    AssetBook,
    AssetWorth,
    apply_units_moved,
    asset_cents,
    counted_by_asset,
    is_fresh,
    proceeds_cents,
    worths,
)

WHOLE = AssetTerms(haircut_ppm=0, share_ppm=1_000_000, fresh_hours=24)
CENTS = st.integers(0, INT64_MAX)
TERMS = st.builds(
    AssetTerms, st.integers(0, 1_000_000), st.integers(0, 1_000_000), st.integers(1, 8_760)
)


def column(*values: int) -> IntArray:
    return np.array(values, dtype=np.int64)


def cents(units: int, price_micros: int, terms: AssetTerms, initial: int) -> int:
    """The rule as it stands in the rulebook, in fractions."""
    price_cents = Fraction(price_micros, 10_000)
    value = floor(units * price_cents * (10**6 - terms.haircut_ppm) / 10**6)
    return min(value, floor(Fraction(initial * terms.share_ppm, 10**6)))


@pytest.mark.parametrize(
    ("units", "price_micros", "haircut_ppm", "proceeds"),
    [
        (100, 980_000, 50_000, 9_310),
        (119, 1_009_999, 0, 12_018),  # 12,018.9881
        (10**9, 1_000_000, 1_000_000, 0),
        (INT64_MAX, 10_000_000, 0, INT64_MAX * 1_000),
    ],
)
def test_units_are_sold_for_their_price_less_the_haircut_whatever_their_share(
    *, units: int, price_micros: int, haircut_ppm: int, proceeds: int
) -> None:
    terms = AssetTerms(haircut_ppm=haircut_ppm, share_ppm=1, fresh_hours=24)
    assert proceeds_cents(units, AssetWorth(price_micros, terms)) == proceeds


@pytest.mark.parametrize(
    ("units", "price_micros", "haircut_ppm", "share_ppm", "counted"),
    [
        (100, 980_000, 50_000, 500_000, 8_000),  # 9,310, at most half of 16,000
        (80, 980_000, 50_000, 500_000, 7_448),
        (119, 1_009_999, 0, 1_000_000, 12_018),  # 12,018.9881
        (1, 9_999, 0, 1_000_000, 0),  # less than a cent
        (10**9, 1_000_000, 1_000_000, 1_000_000, 0),
        (10**9, 1_000_000, 0, 0, 0),
        (INT64_MAX, INT64_MAX, 0, 1_000_000, 16_000),
        (0, 1_000_000, 0, 1_000_000, 0),
    ],
)
def test_an_asset_counts_for_its_value_after_haircut_up_to_its_share(
    *, units: int, price_micros: int, haircut_ppm: int, share_ppm: int, counted: int
) -> None:
    worth = AssetWorth(price_micros, AssetTerms(haircut_ppm, share_ppm, 24))
    assert asset_cents(column(units), worth, initial=column(16_000)).tolist() == [counted]


@given(rows=st.lists(st.tuples(CENTS, CENTS), min_size=1, max_size=8), price=CENTS, terms=TERMS)
def test_the_columns_count_as_the_rule_in_fractions(
    rows: list[tuple[int, int]], price: int, terms: AssetTerms
) -> None:
    units, initial = (column(*values) for values in zip(*rows, strict=True))
    counted = asset_cents(units, AssetWorth(price, terms), initial=initial)
    assert counted.tolist() == [cents(unit, price, terms, required) for unit, required in rows]


def test_each_asset_counts_apart_from_the_others() -> None:
    worth = {"BOND": AssetWorth(1_000_000, WHOLE), "BILL": AssetWorth(500_000, WHOLE)}
    units = {"BOND": column(3, 0), "BILL": column(5, 7), "NOTE": column(9, 9)}
    counted = counted_by_asset(units, worth, initial=column(300, 300), cash=column(0, -5))
    assert {asset: values.tolist() for asset, values in counted.items()} == {
        "BILL": [250, 300], "BOND": [300, 0], "NOTE": [0, 0],
    }  # fmt: skip


def test_cash_and_assets_together_stay_inside_int64() -> None:
    worth = {name: AssetWorth(INT64_MAX, WHOLE) for name in ("A", "B")}
    units = {name: column(INT64_MAX, INT64_MAX) for name in ("A", "B")}
    initial, cash = column(INT64_MAX, 5), column(7, INT64_MAX)
    counted = counted_by_asset(units, worth, initial=initial, cash=cash)
    assert counted["A"].tolist() == [INT64_MAX - 7, 0]
    assert counted["B"].tolist() == [0, 0]


@pytest.mark.parametrize(("late_ns", "fresh"), [(0, True), (1, False), (-5, True)])
def test_a_price_is_fresh_to_the_end_of_its_last_hour(late_ns: int, *, fresh: bool) -> None:
    price = AssetPrice(1, at=10)
    assert is_fresh(price, WHOLE, at=10 + 24 * HOUR_NS + late_ns) is fresh


def test_only_assets_with_a_fresh_price_are_worth_something() -> None:
    book = AssetBook(prices={"BOND": AssetPrice(7, at=1), "BILL": AssetPrice(8, at=0)})
    terms = {"BOND": WHOLE, "BILL": WHOLE, "NOTE": WHOLE}
    assert worths(book, terms, at=1 + 24 * HOUR_NS) == {"BOND": AssetWorth(7, WHOLE)}


def moved(units: int, asset: str = "BOND") -> AssetMoved:
    return AssetMoved(at=1, reference="u", account="A-H", asset=asset, units=units)


def test_units_are_added_up_by_account_and_a_new_account_has_none() -> None:
    book = AssetBook()
    apply_units_moved(book, moved(5), number=1, accounts=2)
    apply_units_moved(book, moved(-2), number=1, accounts=2)
    book.open_account()
    assert [book.units_of(number) for number in (0, 1, 2)] == [
        {"BOND": 0}, {"BOND": 3}, {"BOND": 0},
    ]  # fmt: skip


@pytest.mark.parametrize("units", [-1, INT64_MAX + 1])
def test_units_below_zero_or_beyond_int64_break_a_law(units: int) -> None:
    with pytest.raises(AssertionError, match="A-H would hold"):
        apply_units_moved(AssetBook(), moved(units), number=0, accounts=1)
