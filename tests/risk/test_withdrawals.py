"""Withdrawals (RULEBOOK §5): the example of the cases by hand, and the order they were asked in."""

from __future__ import annotations

import json
from collections.abc import Container

import pytest

from events.asset_facts import AssetMoved, AssetWithdrawalPending, AssetWithdrawalRefused
from events.member_facts import CollateralMoved, WithdrawalPending, WithdrawalRefused
from risk.withdrawals import (
    AccountFunds,
    WithdrawalBook,
    WithdrawalDecision,
    apply_decided,
    apply_pending,
    decide_withdrawals,
    free_amount,
)


def amount_of(fact: WithdrawalDecision) -> int:
    """Cents or units of a decision."""
    if isinstance(fact, AssetMoved | AssetWithdrawalRefused):
        return fact.units
    return fact.amount_cents


def decided(
    book: WithdrawalBook, *, cash: list[int], initial: list[int], has_open_call: Container[int] = ()
) -> list[WithdrawalDecision]:
    """The decisions on accounts that have cash alone; nobody is in default."""
    return decide_withdrawals(
        book,
        funds_of=lambda number: AccountFunds(cash[number], initial[number]),
        counted=lambda _: 0,
        has_open_call=has_open_call,
        in_default=(),
        at=9,
    )


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
    facts = decided(book_of(3_441, 3_440, 1), cash=[20_000], initial=[16_560])
    kinds = [(type(fact), fact.reference, amount_of(fact)) for fact in facts]
    assert kinds == [
        (WithdrawalRefused, "w1", 3_441),
        (CollateralMoved, "w2", -3_440),
        (WithdrawalRefused, "w3", 1),
    ]


def test_a_refused_one_says_insufficient_equity() -> None:
    (fact,) = decided(book_of(5), cash=[4], initial=[0])
    assert fact == WithdrawalRefused(
        at=9,
        reference="w1",
        account="A-H",
        asset="USD",
        amount_cents=5,
        reason="insufficient_equity",
    )


def test_none_is_paid_while_a_call_is_open() -> None:
    facts = decided(book_of(1), cash=[100], initial=[0], has_open_call={0: "a call"})
    assert [type(fact) for fact in facts] == [WithdrawalRefused]


def test_accounts_do_not_pay_for_each_other() -> None:
    book = book_of(60)
    second = WithdrawalPending(at=1, reference="v1", account="B-H", asset="USD", amount_cents=60)
    apply_pending(book, second, number=1)
    facts = decided(book, cash=[100, 100], initial=[0, 0])
    assert [amount_of(fact) for fact in facts] == [-60, -60]


@pytest.mark.parametrize(("amount", "is_too_much"), [(13_118, False), (13_119, True)])
def test_what_is_asked_may_not_exceed_cash_less_what_is_blocked(
    amount: int, *, is_too_much: bool
) -> None:
    book = book_of(3_441, 3_440, 1)
    assert (amount > free_amount(book, 0, asset="USD", amount=20_000)) is is_too_much
    assert free_amount(book, 1, asset="USD", amount=20_000) == 20_000
    assert free_amount(book, 0, asset="BOND", amount=7) == 7


def test_what_was_paid_or_refused_is_no_longer_blocked() -> None:
    book = book_of(3_441, 3_440)
    facts = decided(book, cash=[20_000], initial=[16_560])
    apply_decided(book, facts[0].reference)
    assert book.blocked == {(0, "USD"): 3_440}
    apply_decided(book, facts[1].reference)
    assert book == WithdrawalBook()


def test_the_book_comes_back_from_its_plain_values_in_the_order_asked() -> None:
    book = book_of(3, 2, 1)
    again = WithdrawalBook.from_state(json.loads(json.dumps(book.to_state())))
    assert again == book
    assert list(again.pending) == ["w1", "w2", "w3"]


def asked(book: WithdrawalBook, reference: str, units: int) -> None:
    """Ask for units of an account's bonds."""
    fact = AssetWithdrawalPending(
        at=1, reference=reference, account="A-H", asset="BOND", units=units
    )
    apply_pending(book, fact, number=0)


def test_units_and_cash_are_paid_in_the_order_asked_each_without_what_went_before() -> None:
    # A unit counts for 100. 500 cash and 10 units, initial 1,000: 5 units leave 1,000; then 1 cent
    # or 1 more unit would leave less.
    book = WithdrawalBook()
    asked(book, "u1", 5)
    cash = WithdrawalPending(at=1, reference="w1", account="A-H", asset="USD", amount_cents=1)
    apply_pending(book, cash, number=0)
    asked(book, "u2", 1)
    facts = decide_withdrawals(
        book,
        funds_of=lambda _: AccountFunds(500, 1_000, {"BOND": 10}),
        counted=lambda funds: 100 * funds.units["BOND"],
        has_open_call=(),
        in_default=(),
        at=9,
    )
    assert facts == [
        AssetMoved(at=9, reference="u1", account="A-H", asset="BOND", units=-5),
        WithdrawalRefused(
            at=9, reference="w1", account="A-H", asset="USD", amount_cents=1,
            reason="insufficient_equity",
        ),
        AssetWithdrawalRefused(
            at=9, reference="u2", account="A-H", asset="BOND", units=1,
            reason="insufficient_equity",
        ),
    ]  # fmt: skip
    assert WithdrawalBook.from_state(json.loads(json.dumps(book.to_state()))) == book


@pytest.mark.parametrize(("cash", "kind"), [(1, AssetMoved), (-1, AssetWithdrawalRefused)])
def test_nothing_is_paid_to_an_account_whose_cash_is_below_zero(
    cash: int, kind: type[AssetMoved | AssetWithdrawalRefused]
) -> None:
    book = WithdrawalBook()
    asked(book, "u1", 1)
    (fact,) = decide_withdrawals(
        book,
        funds_of=lambda _: AccountFunds(cash, 0, {"BOND": 10}),
        counted=lambda _: 1_000,
        has_open_call=(),
        in_default=(),
        at=9,
    )
    assert isinstance(fact, kind)
