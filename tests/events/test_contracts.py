"""Products, symbols and ticks (RULEBOOK §1, WIRE §2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from events.contracts import (
    PRODUCTS,
    Delivery,
    delivery_of,
    parse_symbol,
    product_of,
    symbol,
    ticks_of,
)


def test_month_codes_are_those_of_the_futures_trade() -> None:
    symbols = [symbol("SIT", Delivery(2026, month)) for month in range(1, 13)]
    assert "".join(each[3] for each in symbols) == "FGHJKMNQUVXZ"
    assert symbol("SIT", Delivery(2026, 12)) == "SITZ26"
    assert symbol("SCU", Delivery(2007, 3)) == "SCUH07"


def test_a_symbol_is_read_back() -> None:
    assert parse_symbol("SITZ26") == Delivery(2026, 12)
    assert product_of("SITZ26") == "SIT"


@pytest.mark.parametrize("text", ["SITA26", "SITZ6", "SITZ226", "sitz26", "SI", "", "SITZ26\n"])
def test_anything_else_is_no_symbol(text: str) -> None:
    assert parse_symbol(text) is None


def test_a_delivery_month_is_followed_by_the_next_over_the_year() -> None:
    assert delivery_of(date(2026, 12, 31)).next == Delivery(2027, 1)
    assert Delivery(2026, 11).next == Delivery(2026, 12)
    assert Delivery(2026, 6).text == "2026-06"
    assert Delivery(2026, 12) < Delivery(2027, 1)


@pytest.mark.parametrize(
    ("price", "ticks"),
    [("2.07", 207), ("2.0700", 207), ("0", 0), ("-0.01", -1), ("2.071", None), ("0.001", None)],
)
def test_a_price_is_whole_ticks_or_none(price: str, ticks: int | None) -> None:
    assert ticks_of(Decimal(price), PRODUCTS["SIT"]) == ticks


def test_a_tick_of_every_product_is_one_cent_per_lot() -> None:
    for product in PRODUCTS.values():
        assert (product.ticks_per_usd, product.micros_per_tick) == (100, 10_000)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"ticks_per_usd": 20}, "found 20"), ({"code": "GPUH"}, "three"), ({"code": "gpu"}, "A to Z")],
)
def test_a_product_whose_ticks_are_no_cents_or_that_no_symbol_names_is_none(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        replace(PRODUCTS["SIT"], **fields)
