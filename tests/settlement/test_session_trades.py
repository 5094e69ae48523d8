"""The session's trades as columns (RULEBOOK §4), worked by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.session_trades import SessionTrades


def trades(*rows: tuple[int, int, int, int]) -> SessionTrades:
    """Trades given as (row, time, price, lots)."""
    session = SessionTrades()
    for seq, executed_at, price_ticks, lots in rows:
        session.add(seq, executed_at, price_ticks=price_ticks, lots=lots)
    return session


def test_the_mean_is_exact_and_by_volume() -> None:
    session = trades((1, 10, 200, 1), (2, 20, 203, 2), (3, 30, 900, 9))
    assert session.mean_price(10, 20) == Fraction(606, 3)
    assert session.mean_price(31, 40) is None


def test_lots_and_prices_near_an_int64_do_not_wrap() -> None:
    session = trades((1, 10, 3, 2**62), (2, 10, 4, 2**62))
    assert session.mean_price(10, 10) == Fraction(7, 2)


def test_a_busted_trade_drops_out_and_one_of_another_session_is_not_here() -> None:
    session = trades((1, 10, 200, 1), (5, 20, 203, 2))
    assert session.bust(5)
    assert not session.bust(3)
    assert not session.bust(9)
    assert session.mean_price(0, 99) == Fraction(200)
    assert session.latest_price(0, 99) == 200
    assert session.standing() == 1


def test_an_adjusted_trade_counts_with_its_new_price() -> None:
    session = trades((1, 10, 200, 1), (5, 20, 203, 2))
    session.reprice(5, 206)
    session.reprice(4, 999)
    assert session.mean_price(0, 99) == Fraction(612, 3)
    assert session.latest_price(0, 99) == 206


def test_the_latest_trade_is_by_its_own_time_and_a_tie_goes_to_the_later_in_the_stream() -> None:
    session = trades((1, 30, 200, 1), (2, 10, 203, 2), (3, 30, 201, 1), (4, 20, 7, 1))
    assert session.latest_price(0, 99) == 201
    assert session.latest_price(0, 29) == 7
    assert session.latest_price(0, 9) is None


def test_many_trades_at_once_are_as_one_by_one() -> None:
    rows = np.array([(1, 30, 200, 1), (2, 10, 203, 2)], dtype=np.int64)
    seqs, times, prices, lots = rows.T
    session = SessionTrades()
    session.extend(seqs, times, prices=prices, lots=lots)
    assert session == trades((1, 30, 200, 1), (2, 10, 203, 2))


NUMBERS = st.integers(min_value=0, max_value=9)
ROWS = st.lists(st.tuples(NUMBERS, st.integers(1, 9), st.integers(0, 9)), max_size=12)


@given(rows=ROWS, first=NUMBERS, last=NUMBERS)
def test_mean_and_latest_are_those_of_a_plain_walk(
    rows: list[tuple[int, int, int]], first: int, last: int
) -> None:
    session = trades(*((seq, *row) for seq, row in enumerate(rows)))
    inside = [(price, lots) for time, price, lots in rows if first <= time <= last and lots]
    volume = sum(lots for _, lots in inside)
    value = sum(price * lots for price, lots in inside)
    assert session.mean_price(first, last) == (Fraction(value, volume) if volume else None)
    latest = sorted((time, number) for number, (time, _, lots) in enumerate(rows) if lots)
    executed = [number for time, number in latest if time <= last]
    assert session.latest_price(0, last) == (rows[executed[-1]][1] if executed else None)


def test_the_highest_price_is_that_of_the_column_whatever_happened_to_it() -> None:
    session = trades((1, 10, 200, 1), (2, 20, 203, 2))
    session.reprice(1, 300)
    assert session.highest == 300
    session.reprice(1, 201)
    assert session.highest == 203
    session.bust(2)
    assert session.highest == 203
    again = SessionTrades(session.seqs, session.times, session.prices, session.lots)
    assert (again.highest, SessionTrades().highest) == (203, 0)
