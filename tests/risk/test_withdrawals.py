"""Withdrawals (RULEBOOK §5): the example of the cases by hand, and the order they were asked in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from events.int64 import IntArray
from events.member_facts import CollateralMoved, WithdrawalPending, WithdrawalRefused
from risk.withdrawals import (
    WithdrawalBook,
    apply_decided,
    apply_pending,
    decide_withdrawals,
    exceeds_cash,
)


def cents(*amounts: int) -> IntArray:
    return np.array(amounts, dtype=np.int64)


def book_of(*amounts: int, number: int = 0) -> WithdrawalBook:
    """Withdrawals w1, w2, ... of one account."""
    book = WithdrawalBook()
    for index, amount in enumerate(amounts, start=1):
        fact = WithdrawalPending(
            at=1, reference=f"w{index}", account="A-H", asset="USD", amount_cents=amount
        )
        apply_pending(book, fact, number=number)
    return book


def test_each_is_paid_or_refused_in_the_order_asked_while_equity_covers_initial() -> None:
    # 20,000 − 3,441 = 16,559 < 16,560: refused; 20,000 − 3,440 = 16,560: paid; then 1: refused.
    facts = decide_withdrawals(
        book_of(3_441, 3_440, 1),
        equity=cents(20_000),
        initial=cents(16_560),
        has_open_call=(),
        in_default=(),
        at=9,
    )
    kinds = [(type(fact), fact.reference, fact.amount_cents) for fact in facts]
    assert kinds == [
        (WithdrawalRefused, "w1", 3_441),
        (CollateralMoved, "w2", -3_440),
        (WithdrawalRefused, "w3", 1),
    ]


def test_a_refused_one_says_insufficient_equity() -> None:
    (fact,) = decide_withdrawals(
        book_of(5), equity=cents(4), initial=cents(0), has_open_call=(), in_default=(), at=9
    )
    assert fact == WithdrawalRefused(
        at=9,
        reference="w1",
        account="A-H",
        asset="USD",
        amount_cents=5,
        reason="insufficient_equity",
    )


def test_none_is_paid_while_a_call_is_open() -> None:
    facts = decide_withdrawals(
        book_of(1),
        equity=cents(100),
        initial=cents(0),
        has_open_call={0: "a call"},
        in_default=(),
        at=9,
    )
    assert [type(fact) for fact in facts] == [WithdrawalRefused]


def test_accounts_do_not_pay_for_each_other() -> None:
    book = book_of(60)
    second = WithdrawalPending(at=1, reference="v1", account="B-H", asset="USD", amount_cents=60)
    apply_pending(book, second, number=1)
    facts = decide_withdrawals(
        book, equity=cents(100, 100), initial=cents(0, 0), has_open_call=(), in_default=(), at=9
    )
    assert [fact.amount_cents for fact in facts] == [-60, -60]


@pytest.mark.parametrize(("amount", "is_too_much"), [(13_118, False), (13_119, True)])
def test_what_is_asked_may_not_exceed_cash_less_what_is_blocked(
    amount: int, *, is_too_much: bool
) -> None:
    book = book_of(3_441, 3_440, 1)
    assert exceeds_cash(book, 0, cash_cents=20_000, amount_cents=amount) is is_too_much
    assert not exceeds_cash(book, 1, cash_cents=20_000, amount_cents=20_000)


def test_what_was_paid_or_refused_is_no_longer_blocked() -> None:
    book = book_of(3_441, 3_440)
    facts = decide_withdrawals(
        book, equity=cents(20_000), initial=cents(16_560), has_open_call=(), in_default=(), at=9
    )
    apply_decided(book, facts[0].reference)
    assert book.blocked_cents == {0: 3_440}
    apply_decided(book, facts[1].reference)
    assert book == WithdrawalBook()


def test_the_book_comes_back_from_its_plain_values_in_the_order_asked() -> None:
    book = book_of(3, 2, 1)
    again = WithdrawalBook.from_state(json.loads(json.dumps(book.to_state())))
    assert again == book
    assert list(again.pending) == ["w1", "w2", "w3"]
