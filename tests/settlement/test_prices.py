"""Settlement prices by tier (RULEBOOK §4), worked by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from events.units import MINUTE_NS, parse_instant
from settlement.prices import Candidate, SessionTimes, index_ticks, round_towards, settle_prices
from settlement.quotes import Quote, QuoteBook
from settlement.session_trades import SessionTrades

OPENED = parse_instant("2026-06-08T00:05:00Z")
CLOSE = parse_instant("2026-06-08T21:00:00Z")
EXPIRIES = {"M": date(2026, 6, 17), "N": date(2026, 7, 15), "Q": date(2026, 8, 19)}


def contract(
    name: str, *trades: tuple[int, int, int], reference: int | None = 200, bid: int | None = None
) -> Candidate:
    """A contract with trades of (nanoseconds to the close, price, lots) and perhaps a bid."""
    session = SessionTrades()
    for seq, (before_close, price, lots) in enumerate(trades):
        session.add(seq, CLOSE - before_close, price_ticks=price, lots=lots)
    quotes = QuoteBook({} if bid is None else {"maker": Quote(bid, 50, None, None, 0)})
    return Candidate(name, EXPIRIES[name], reference, session, quotes)


def settled(*contracts: Candidate) -> dict[str, tuple[int, int]]:
    prices = settle_prices(contracts, SessionTimes(OPENED, CLOSE), window_ns=5 * MINUTE_NS)
    return {name: (settlement.price_ticks, settlement.tier) for name, settlement in prices.items()}


def test_tier_one_is_the_mean_of_the_last_five_minutes_by_volume() -> None:
    first, last = 5 * MINUTE_NS, 0
    # (30 x 200 + 10 x 204) / 40 = 201
    assert settled(contract("M", (first, 200, 30), (last, 204, 10))) == {"M": (201, 1)}


def test_the_window_holds_both_its_ends_and_nothing_beyond() -> None:
    before, after = 5 * MINUTE_NS + 1, -1
    prices = settled(contract("M", (before, 100, 9), (MINUTE_NS, 203, 1), (after, 900, 9)))
    assert prices == {"M": (203, 1)}


@pytest.mark.parametrize(
    ("exact", "reference", "ticks"),
    [
        (Fraction(401, 2), 200, 200),  # an exact half towards the reference
        (Fraction(401, 2), 199, 200),
        (Fraction(401, 2), 201, 201),
        (Fraction(401, 2), None, 201),  # without one up
        (Fraction(2004, 10), 300, 200),
        (Fraction(2006, 10), 100, 201),
        (Fraction(200), 100, 200),
    ],
)
def test_a_mean_goes_to_the_nearest_tick_and_a_half_towards_the_reference(
    exact: Fraction, reference: int | None, ticks: int
) -> None:
    assert round_towards(exact, reference) == ticks


def test_tier_two_is_the_latest_trade_clamped_to_the_quotes() -> None:
    hour = 60 * MINUTE_NS
    trades = ((2 * hour, 190, 5), (hour, 195, 5), (3 * hour, 210, 5))
    assert settled(contract("M", *trades)) == {"M": (195, 2)}
    assert settled(contract("M", *trades, bid=197)) == {"M": (197, 2)}


def test_tier_three_moves_the_reference_with_the_nearest_expiry() -> None:
    prices = settled(
        contract("M", (0, 206, 1), reference=200),
        contract("N", reference=300),
        contract("Q", (0, 390, 1), reference=400),
    )
    # July lies 28 days after June and 35 before August: it moves by June's +6.
    assert prices == {"M": (206, 1), "N": (306, 3), "Q": (390, 1)}


def test_of_two_expiries_equally_near_the_earlier_one_moves() -> None:
    middle = contract("N", reference=300)
    early = Candidate("E", date(2026, 7, 8), 200, SessionTrades(), QuoteBook())
    late = Candidate("L", date(2026, 7, 22), 200, SessionTrades(), QuoteBook())
    early.trades.add(0, CLOSE, price_ticks=201, lots=1)
    late.trades.add(0, CLOSE, price_ticks=209, lots=1)
    assert settled(middle, early, late)["N"] == (301, 3)
    assert settled(middle, late, early)["N"] == (301, 3)


def test_tier_three_never_falls_below_one_tick() -> None:
    prices = settled(contract("M", (0, 100, 1), reference=200), contract("N", reference=50))
    assert prices["N"] == (1, 3)


def test_a_contract_settled_without_a_reference_moves_nobody() -> None:
    prices = settled(contract("M", (0, 206, 1), reference=None), contract("N", reference=300))
    assert prices == {"M": (206, 1), "N": (300, 4)}


def test_tier_four_is_the_reference_and_without_one_there_is_no_price() -> None:
    prices = settled(contract("M", reference=None), contract("N", reference=300))
    assert prices == {"N": (300, 4)}


@pytest.mark.parametrize(
    ("micros", "ticks"),
    [(2_070_000, 207), (2_074_999, 207), (2_075_000, 208), (1, 1), (4_999, 1), (15_000, 2)],
)
def test_an_index_value_goes_to_the_tick_half_up_and_at_least_one(micros: int, ticks: int) -> None:
    assert index_ticks(micros, 10_000) == ticks
