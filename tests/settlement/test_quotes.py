"""Standing quotes (RULEBOOK §4, tier 2), worked by hand."""

from __future__ import annotations

import pytest

from settlement.quotes import Quote, QuoteBook


def book(**sides: tuple[int | None, int | None]) -> QuoteBook:
    """A book of makers' (bid, ask)."""
    quotes = QuoteBook()
    for maker, (bid, ask) in sides.items():
        quote = Quote(bid, None if bid is None else 50, ask, None if ask is None else 50, 0)
        quotes.set(maker, quote)
    return quotes


@pytest.mark.parametrize(
    ("price", "clamped"), [(190, 198), (198, 198), (200, 200), (203, 203), (210, 203)]
)
def test_a_price_is_clamped_between_the_best_bid_and_the_best_offer(
    price: int, clamped: int
) -> None:
    assert book(a=(198, 205), b=(195, 203)).clamp(price) == clamped


def test_best_bid_first_then_best_offer_where_the_market_is_crossed() -> None:
    assert book(a=(205, None), b=(None, 203)).clamp(190) == 203


def test_without_quotes_a_price_stays() -> None:
    assert book().clamp(190) == 190


def test_a_quote_replaces_its_makers_one_before_and_two_withdrawn_sides_leave_none() -> None:
    quotes = book(a=(198, 205))
    quotes.set("a", Quote(100, 1, None, None, 0))
    assert quotes.clamp(300) == 300
    quotes.set("a", Quote(None, None, None, None, 0))
    assert quotes.by_maker == {}


def test_a_lapsed_quote_stands_no_more_and_lapsing_twice_is_nothing() -> None:
    quotes = book(a=(198, 205))
    quotes.lapse("a")
    quotes.lapse("a")
    assert quotes.clamp(10) == 10
