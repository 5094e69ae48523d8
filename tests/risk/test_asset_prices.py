"""Prices of assets and the hold on those that jump (RULEBOOK §5), by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.units import MINUTE_NS
from risk.asset_prices import (
    AssetPrice,
    PriceAnswer,
    judge_asset_price,
    micros_of,
)

LAST = AssetPrice(1_000_000, at=0)
HELD = AssetPrice(1_000_000, at=0, held_micros=10_000_000, held_at=7)
HOUR = 7 + 60 * MINUTE_NS


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0.98", 980_000), ("0.000001", 1), ("1.0000000", 1_000_000), ("0.0000001", None),
        ("0", None), ("0.0000000", None), ("-1", None), ("12345678901234.5", 12345678901234500000),
    ],
)  # fmt: skip
def test_a_price_is_positive_and_has_six_decimals(text: str, micros: int | None) -> None:
    assert micros_of(Decimal(text)) == micros


@pytest.mark.parametrize(
    ("last", "micros", "at", "answer"),
    [
        (None, 5, 0, "accepted"),
        (LAST, 3_000_000, 0, "accepted"),
        (LAST, 3_000_001, 0, "held"),
        (LAST, 333_334, 0, "accepted"),
        (LAST, 333_333, 0, "held"),
        (HELD, 10_000_000, HOUR - 1, "waiting"),
        (HELD, 10_000_000, HOUR, "accepted"),
        (HELD, 10_500_000, HOUR, "accepted"),
        (HELD, 10_500_001, HOUR, "held"),
        (HELD, 9_500_000, HOUR, "accepted"),
        (HELD, 9_499_999, HOUR, "held"),
        (HELD, 3_000_000, 8, "accepted"),
    ],
)
def test_a_price_beyond_three_times_waits_for_one_like_it_an_hour_later(
    last: AssetPrice | None, micros: int, at: int, answer: PriceAnswer
) -> None:
    assert judge_asset_price(last, micros, at=at) == answer
