"""The life of margin calls (RULEBOOK §5), worked by hand, and against a walk over all accounts."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.control_commands import CLOSE_CYCLE
from events.int64 import IntArray
from events.member_facts import MarginCalled, MarginCallMet, MarginCallPartlyMet, MarginCallRaised
from events.units import parse_instant
from risk.calls import (
    AccountNames,
    CallBook,
    OpenCall,
    accounts_to_call,
    apply_called,
    apply_changed,
    apply_ended,
    check_call,
    check_calls,
    missed_calls,
    new_calls,
)
from risk.cycle import Cycle, deadline_of_close, deadline_of_cycle
from risk.levels import AccountLevels, MarginLevels
from risk.requirement import maintenance_of


def intraday(name: str, at: str) -> Cycle:
    started_at = parse_instant(at)
    return Cycle(date(2026, 6, 8), name, started_at, deadline_of_cycle(started_at, minutes=60))


NOON = intraday("noon", "2026-06-08T12:00:00Z")
EVENING = Cycle(
    date(2026, 6, 5),
    CLOSE_CYCLE,
    parse_instant("2026-06-05T21:00:00Z"),
    deadline_of_close(date(2026, 6, 8), time_of_day="13:00"),
)
NAMES = AccountNames(accounts=["B-H", "A-H", "C-H"], members=["B", "A", "C"])
CALL = OpenCall("A-H/2026-06-08/noon", "A-H", 4_001, NOON.deadline_ns)


def cents(*amounts: int) -> IntArray:
    return np.array(amounts, dtype=np.int64)


def levels(
    equity: IntArray, initial: IntArray, maintenance: IntArray, cash: IntArray | None = None
) -> MarginLevels:
    """Levels of accounts; without other words equity is cash."""
    return MarginLevels(initial, maintenance, equity, equity if cash is None else cash)


def all_cash(equity: IntArray, initial: IntArray) -> MarginLevels:
    """Levels of accounts that have cash alone; maintenance is three quarters."""
    return levels(equity, initial, maintenance_of(initial, share_ppm=750_000))


def call_all(book: CallBook, equity: IntArray, initial: IntArray, cycle: Cycle) -> list[str]:
    """Make a cycle's calls; gives their names."""
    facts = new_calls(book, NAMES, levels=all_cash(equity, initial), cycle=cycle)
    for number, fact in facts:
        apply_called(book, fact, number=number)
    return [fact.call for _, fact in facts]


def test_equity_below_maintenance_is_called_for_the_difference_up_to_initial() -> None:
    facts = new_calls(
        CallBook(),
        NAMES,
        levels=levels(
            cents(12_000, 11_999, 16_000), cents(16_000, 16_000, 16_000), cents(*[12_000] * 3)
        ),
        cycle=NOON,
    )
    called = MarginCalled(
        at=NOON.at, call="A-H/2026-06-08/noon", account="A-H", member="A", amount_cents=4_001,
        deadline=parse_instant("2026-06-08T13:00:00Z"),
    )  # fmt: skip
    assert facts == [(1, called)]


def test_after_a_close_the_deadline_is_13_utc_of_the_next_business_date() -> None:
    assert EVENING.deadline_ns == parse_instant("2026-06-08T13:00:00Z")


def test_an_account_without_a_position_but_with_negative_cash_is_called() -> None:
    assert call_all(CallBook(), cents(0, -1, 5), cents(0, 0, 0), NOON) == ["A-H/2026-06-08/noon"]


def test_an_account_with_an_open_call_is_not_called_again() -> None:
    book = CallBook()
    call_all(book, cents(0, 0, 9), cents(9, 0, 9), EVENING)
    assert call_all(book, cents(0, 0, 0), cents(9, 0, 9), NOON) == ["C-H/2026-06-08/noon"]


@pytest.mark.parametrize(
    ("remaining", "kind", "stated"),
    [
        (-5, MarginCallMet, 0),
        (0, MarginCallMet, 0),
        (1, MarginCallPartlyMet, 1),
        (4_000, MarginCallPartlyMet, 4_000),
        (4_002, MarginCallRaised, 4_002),
    ],
)
def test_a_call_is_met_partly_met_or_raised(
    remaining: int, kind: type[MarginCallMet | MarginCallPartlyMet | MarginCallRaised], stated: int
) -> None:
    fact = check_call(CALL, remaining, at=7)
    assert fact == kind(at=7, call=CALL.call, account="A-H", remaining_cents=stated)


def test_a_call_whose_remainder_did_not_change_has_no_fact() -> None:
    assert check_call(CALL, 4_001, at=7) is None


def test_a_cycle_looks_at_every_open_call_in_order_of_the_accounts() -> None:
    book = CallBook()
    call_all(book, cents(0, 0, 0), cents(8, 8, 8), EVENING)
    changes = check_calls(book, all_cash(cents(8, 0, -1), cents(8, 8, 8)), at=NOON.at)
    assert [(number, type(fact)) for number, fact in changes] == [
        (0, MarginCallMet), (2, MarginCallRaised),
    ]  # fmt: skip


def test_what_remains_is_measured_against_the_last_fact() -> None:
    book = CallBook()
    call_all(book, cents(9, 0, 9), cents(9, 9, 9), EVENING)
    ((number, partly),) = check_calls(book, all_cash(cents(9, 4, 9), cents(9, 9, 9)), at=1)
    assert isinstance(partly, MarginCallPartlyMet)
    apply_changed(book, partly, number=number, cash_cents=4)
    ((_, raised),) = check_calls(book, all_cash(cents(9, 3, 9), cents(9, 9, 9)), at=2)
    assert (type(raised), raised.remaining_cents) == (MarginCallRaised, 6)


def test_a_call_that_was_met_is_closed() -> None:
    book = CallBook()
    call_all(book, cents(9, 0, 9), cents(9, 9, 9), EVENING)
    ((number, met),) = check_calls(book, all_cash(cents(9, 9, 9), cents(9, 9, 9)), at=1)
    assert isinstance(met, MarginCallMet)
    apply_ended(book, met, number=number)
    assert book == CallBook()


def test_exactly_at_its_deadline_a_call_is_in_time_and_a_nanosecond_later_missed() -> None:
    book = CallBook()
    call_all(book, cents(9, 0, 9), cents(9, 9, 9), EVENING)
    assert missed_calls(book, EVENING.deadline_ns) == []
    (fact,) = missed_calls(book, EVENING.deadline_ns + 1)
    assert (fact.at, fact.call, fact.remaining_cents) == (
        EVENING.deadline_ns + 1, "A-H/2026-06-05/close", 9,
    )  # fmt: skip


def test_a_call_is_missed_once_and_the_next_cycle_calls_again() -> None:
    book = CallBook()
    call_all(book, cents(9, 0, 9), cents(9, 9, 9), EVENING)
    late = EVENING.deadline_ns + 1
    apply_ended(book, missed_calls(book, late)[0], number=1)
    assert missed_calls(book, late) == []
    assert call_all(book, cents(9, 0, 9), cents(9, 9, 9), NOON) == ["A-H/2026-06-08/noon"]


def test_missed_calls_come_by_deadline_and_then_by_account() -> None:
    book = CallBook()
    early = intraday("eleven", "2026-06-08T11:00:00Z")
    call_all(book, cents(0, 0, 9), cents(9, 9, 9), NOON)
    call_all(book, cents(0, 0, 0), cents(9, 9, 9), early)
    assert [fact.account for fact in missed_calls(book, NOON.deadline_ns + 1)] == [
        "C-H", "A-H", "B-H",
    ]  # fmt: skip
    assert [fact.account for fact in missed_calls(book, NOON.deadline_ns)] == ["C-H"]


def test_ending_another_call_than_the_open_one_breaks_a_law() -> None:
    book = CallBook(open_calls={1: CALL}, calls_by_deadline={CALL.deadline_ns: 1})
    met = MarginCallMet(at=1, call="A-H/2026-06-01/close", account="A-H", remaining_cents=0)
    with pytest.raises(AssertionError, match="expected the open call A-H/2026-06-08/noon"):
        apply_ended(book, met, number=1)


def test_the_book_comes_back_from_its_plain_values() -> None:
    book = CallBook()
    call_all(book, cents(0, 0, 9), cents(9, 9, 9), EVENING)
    call_all(book, cents(0, 0, 0), cents(9, 9, 9), NOON)
    assert CallBook.from_state(json.loads(json.dumps(book.to_state()))) == book


@given(
    rows=st.lists(
        st.tuples(st.integers(-5, 20), st.integers(0, 20), st.booleans(), st.integers(0, 9)),
        min_size=1,
        max_size=20,
    )
)
def test_the_accounts_to_call_are_those_a_walk_over_all_finds(
    rows: list[tuple[int, int, bool, int]],
) -> None:
    book = CallBook(
        open_calls={number: CALL for number, (_, _, is_open, _) in enumerate(rows) if is_open}
    )
    cash, maintenance, assets = (cents(*(row[n] for row in rows)) for n in (0, 1, 3))
    called = accounts_to_call(book, levels(cash + assets, maintenance, maintenance, cash))
    assert called.tolist() == [
        number
        for number, (owned, required, is_open, counted) in enumerate(rows)
        if (owned + counted < required or owned < 0) and not is_open
    ]


def test_an_account_with_rich_assets_is_called_for_its_cash_alone() -> None:
    # Initial 16,000, maintenance 12,000, cash −600. Equity 31,400 and 13,000: 600, as equity is not
    # below maintenance; equity 11,000: 16,000 − 11,000; equity −9,000: 25,000.
    facts = new_calls(
        CallBook(),
        AccountNames(accounts=["A", "B", "C", "D"], members=["M"] * 4),
        levels=levels(
            cents(31_400, 13_000, 11_000, -9_000), cents(*[16_000] * 4), cents(*[12_000] * 4),
            cents(*[-600] * 4),
        ),
        cycle=NOON,
    )  # fmt: skip
    assert [fact.amount_cents for _, fact in facts] == [600, 600, 5_000, 25_000]


@pytest.mark.parametrize(
    ("is_for_cash", "equity", "cash", "remains"),
    [
        (True, 13_000, -600, 600),
        (True, 12_000, -600, 600),
        (True, 11_999, -600, 4_001),
        (True, 13_000, 1, -1),
        (False, 13_000, -600, 3_000),
        (False, 15_500, -600, 600),
        (False, 16_000, 0, 0),
    ],
)
def test_what_remains_of_a_call_goes_by_what_it_was_made_for(
    *, is_for_cash: bool, equity: int, cash: int, remains: int
) -> None:
    assert AccountLevels(16_000, 12_000, equity, cash).due(is_for_cash=is_for_cash) == remains


def test_a_call_for_cash_that_asks_for_more_has_become_one_for_equity() -> None:
    book = CallBook()
    called = MarginCalled(at=1, call="c", account="A-H", member="A", amount_cents=600, deadline=9)
    apply_called(book, called, number=0, is_for_cash=True)
    partly = MarginCallPartlyMet(at=2, call="c", account="A-H", remaining_cents=1)
    apply_changed(book, partly, number=0, cash_cents=-1)
    assert book.open_calls[0].is_for_cash
    assert CallBook.from_state(json.loads(json.dumps(book.to_state()))) == book
    raised = MarginCallRaised(at=3, call="c", account="A-H", remaining_cents=4_001)
    apply_changed(book, raised, number=0, cash_cents=-1)
    assert not book.open_calls[0].is_for_cash
