"""Withdrawals: blocked when asked, paid or refused at the next cycle (RULEBOOK §5).

In: cash, equity and initial margin in cents by account number, and which accounts have an open
call. Out: the facts `withdrawal_pending`, then `collateral_moved` (paid) or `withdrawal_refused`.
Decisions read a `WithdrawalBook`; only `apply_*` change it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from events.int64 import IntArray
from events.member_facts import CollateralMoved, WithdrawalPending, WithdrawalRefused
from events.refusals import Reason


@dataclass(frozen=True, slots=True)
class PendingWithdrawal:
    """A withdrawal that waits for the next cycle."""

    reference: str
    account: str
    number: int
    asset: str
    amount_cents: int


@dataclass(slots=True)
class WithdrawalBook:
    """What waits, by reference in the order asked, and what it blocks by account number."""

    pending: dict[str, PendingWithdrawal] = field(default_factory=dict)
    blocked_cents: dict[int, int] = field(default_factory=dict)


def exceeds_cash(book: WithdrawalBook, number: int, *, cash_cents: int, amount_cents: int) -> bool:
    """Whether more is asked than the cash less what is blocked (`withdrawal_exceeds_cash`)."""
    return amount_cents > cash_cents - book.blocked_cents.get(number, 0)


def decide_withdrawals(
    book: WithdrawalBook,
    *,
    equity: IntArray,
    initial: IntArray,
    has_open_call: Container[int],
    at: int,
) -> list[CollateralMoved | WithdrawalRefused]:
    """Pay or refuse all that waits, in the order asked, after the cycle's margin.

    Paid if the account's equity stays at or above initial and no call of it is open. equity: after
    the cycle's variation, with what is blocked still in it; each payment lowers it for the next in
    line.
    """
    left: dict[int, int] = {}
    facts: list[CollateralMoved | WithdrawalRefused] = []
    for asked in book.pending.values():
        number = asked.number
        after = left.get(number, int(equity[number])) - asked.amount_cents
        if number in has_open_call or after < int(initial[number]):
            facts.append(_refused(asked, at))
            continue
        left[number] = after
        facts.append(_paid(asked, at))
    return facts


def apply_pending(book: WithdrawalBook, fact: WithdrawalPending, *, number: int) -> None:
    """Block the amount."""
    book.pending[fact.reference] = PendingWithdrawal(
        fact.reference, fact.account, number, fact.asset, fact.amount_cents
    )
    blocked = book.blocked_cents.get(number, 0)
    book.blocked_cents[number] = blocked + fact.amount_cents


def apply_decided(book: WithdrawalBook, fact: CollateralMoved | WithdrawalRefused) -> None:
    """Unblock what was paid or refused. The cash itself is the ledger's."""
    decided = book.pending.pop(fact.reference)
    blocked = book.blocked_cents[decided.number] - decided.amount_cents
    if blocked:
        book.blocked_cents[decided.number] = blocked
    else:
        del book.blocked_cents[decided.number]


def to_state(book: WithdrawalBook) -> list[list[Any]]:
    """What waits in plain values, in the order asked."""
    return [
        [asked.reference, asked.account, asked.number, asked.asset, asked.amount_cents]
        for asked in book.pending.values()
    ]


def from_state(stored: list[list[Any]]) -> WithdrawalBook:
    """The book back from its plain values."""
    book = WithdrawalBook()
    for values in stored:
        asked = PendingWithdrawal(*values)
        book.pending[asked.reference] = asked
        blocked = book.blocked_cents.get(asked.number, 0)
        book.blocked_cents[asked.number] = blocked + asked.amount_cents
    return book


def _paid(asked: PendingWithdrawal, at: int) -> CollateralMoved:
    return CollateralMoved(
        at=at,
        reference=asked.reference,
        account=asked.account,
        asset=asked.asset,
        amount_cents=-asked.amount_cents,
    )


def _refused(asked: PendingWithdrawal, at: int) -> WithdrawalRefused:
    return WithdrawalRefused(
        at=at,
        reference=asked.reference,
        account=asked.account,
        asset=asked.asset,
        amount_cents=asked.amount_cents,
        reason=Reason.INSUFFICIENT_EQUITY.value,
    )
