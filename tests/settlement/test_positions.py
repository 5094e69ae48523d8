"""Positions and their variation by columns (RULEBOOK §3, §4), worked by hand."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from settlement.positions import Positions

Deal = tuple[int, int, int, int]  # buyer, seller, lots, price in ticks


def positions(*, mark: int | None = 200, paid: bool = False, accounts: int = 3) -> Positions:
    columns = Positions(mark_ticks=mark, paid_cents=array("q") if paid else None)
    columns.grow(accounts)
    return columns


def trade(columns: Positions, deal: Deal) -> None:
    buyer, seller, lots, price = deal
    value = lots * (price - (columns.mark_ticks or 0))
    for account, sign in ((buyer, 1), (seller, -1)):
        columns.lots[account] += sign * lots
        columns.open_cents[account] += sign * value


def test_a_trade_of_today_is_marked_from_its_own_price() -> None:
    columns = positions()
    trade(columns, (0, 1, 10, 203))
    assert columns.variation(207).tolist() == [40, -40, 0]


def test_a_position_carried_over_is_marked_from_its_last_mark() -> None:
    columns = positions()
    trade(columns, (0, 1, 10, 203))
    columns.mark(207)
    trade(columns, (1, 2, 4, 205))
    # Account 0: 10 lots x -1; account 1: -10 x -1 and 4 x +1; account 2: -4 x +1.
    assert columns.variation(206).tolist() == [-10, 14, -4]


def test_without_a_mark_the_first_price_counts_from_the_trades_own() -> None:
    columns = positions(mark=None, paid=True)
    trade(columns, (0, 1, 10, 203))
    assert columns.variation(205).tolist() == [20, -20, 0]


def test_what_cycles_paid_is_given_back_and_everything_counts_from_its_own_price_again() -> None:
    columns = positions(mark=None, paid=True)
    trade(columns, (0, 1, 10, 203))
    columns.mark(205)
    trade(columns, (0, 2, 2, 206))
    columns.mark(204)  # 0: 10 x 1 - 2 x 2 in all
    assert columns.give_back().tolist() == [-6, 10, -4]
    columns.unmark()
    assert (columns.mark_ticks, columns.give_back().tolist()) == (None, [0, 0, 0])
    assert columns.variation(204).tolist() == [6, -10, 4]


def test_a_contract_that_has_had_a_settlement_price_gives_nothing_back() -> None:
    columns = positions()
    trade(columns, (0, 1, 10, 203))
    assert columns.give_back().tolist() == [0, 0, 0]
    columns.unmark()
    assert columns.mark_ticks == 200


def test_a_contract_without_a_mark_has_none_to_undo() -> None:
    columns = positions(mark=None, paid=True)
    trade(columns, (0, 1, 10, 203))
    columns.unmark()
    assert columns.variation(205).tolist() == [20, -20, 0]


def test_open_interest_is_what_is_held_long() -> None:
    columns = positions()
    trade(columns, (0, 1, 10, 203))
    trade(columns, (2, 1, 5, 203))
    trade(columns, (1, 0, 3, 203))
    assert columns.open_interest() == 12


def test_accounts_opened_later_begin_with_nothing() -> None:
    columns = positions(mark=None, paid=True, accounts=2)
    trade(columns, (0, 1, 1, 203))
    columns.grow(4)
    columns.mark(204)
    assert columns.lots.tolist() == [1, -1, 0, 0]
    assert columns.give_back().tolist() == [-1, 1, 0, 0]


PRICES = st.integers(min_value=1, max_value=10**6)
SIDES = st.sampled_from([(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)])
DEALS = st.lists(st.tuples(SIDES, st.integers(1, 10**9), PRICES), max_size=10)


@given(deals=DEALS, marks=st.lists(PRICES, min_size=1, max_size=5))
def test_any_marks_on_the_way_pay_in_all_what_one_mark_at_the_end_pays(
    deals: list[tuple[tuple[int, int], int, int]], marks: list[int]
) -> None:
    stepwise, paid = positions(), [0, 0, 0]
    for number, ((buyer, seller), lots, price) in enumerate(deals):
        trade(stepwise, (buyer, seller, lots, price))
        mark = marks[number % len(marks)]
        paid = [a + b for a, b in zip(paid, stepwise.variation(mark).tolist(), strict=True)]
        stepwise.mark(mark)
    paid = [a + b for a, b in zip(paid, stepwise.variation(marks[-1]).tolist(), strict=True)]
    at_once = [0, 0, 0]
    for (buyer, seller), lots, price in deals:
        at_once[buyer] += lots * (marks[-1] - price)
        at_once[seller] -= lots * (marks[-1] - price)
    assert paid == at_once
    assert sum(paid) == 0


def test_only_what_is_paid_must_fit_an_int64() -> None:
    # 2 x (2^63 - 1) - (2^63 - 1): the product alone does not fit.
    columns = positions(mark=None)
    trade(columns, (0, 1, 2**63 - 1, 1))
    assert columns.variation(2).tolist() == [2**63 - 1, 1 - 2**63, 0]
    assert (columns.can_mark(2), columns.can_mark(3)) == (True, False)
