"""Withdrawals: blocked at once, paid or refused at the next cycle (RULEBOOK §5).

In: cash, equity and initial margin in cents by account number, and the accounts with an open call.
Out: the facts `withdrawal_pending`, then `collateral_moved` (paid) or `withdrawal_refused`.
Decisions read a `WithdrawalBook`; only `apply_*` change it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import astuple, dataclass, field
from typing import Any, Self

from events.int64 import IntArray
from events.member_facts import CollateralMoved, WithdrawalPending, WithdrawalRefused
from events.refusals import Reason


@dataclass(frozen=True, slots=True)
class PendingWithdrawal:
    """A withdrawal to be decided in the next cycle. number: of the account."""

    reference: str
    account: str
    number: int
    asset: str
    amount_cents: int


@dataclass(slots=True)
class WithdrawalBook:
    """The pending withdrawals, by reference in order of arrival.

    blocked_cents: their sums by account number.
    """

    pending: dict[str, PendingWithdrawal] = field(default_factory=dict)
    blocked_cents: dict[int, int] = field(default_factory=dict)

    def to_state(self) -> list[list[Any]]:
        """The pending withdrawals in plain values, in order of arrival."""
        return [list(astuple(withdrawal)) for withdrawal in self.pending.values()]

    @classmethod
    def from_state(cls, state: list[list[Any]]) -> Self:
        """The book of a state. Law: its `to_state` equals it."""
        book = cls()
        for values in state:
            _block(book, PendingWithdrawal(*values))
        return book


def exceeds_cash(book: WithdrawalBook, number: int, *, cash_cents: int, amount_cents: int) -> bool:
    """Whether an amount exceeds the cash less the blocked cents (`withdrawal_exceeds_cash`)."""
    return amount_cents > cash_cents - book.blocked_cents.get(number, 0)


def decide_withdrawals(
    book: WithdrawalBook,
    *,
    equity: IntArray,
    initial: IntArray,
    has_open_call: Container[int],
    in_default: Container[int],
    at: int,
) -> list[CollateralMoved | WithdrawalRefused]:
    """Pay or refuse the pending withdrawals in order of arrival, after the cycle's margin.

    A withdrawal is paid if the account's equity stays at or above initial and it has no open call;
    never to a member in default. in_default: numbers of its accounts. equity: after the cycle's
    variation, blocked cents included; each payment lowers it for the account's next withdrawal.
    """
    remaining_cents: dict[int, int] = {}
    facts: list[CollateralMoved | WithdrawalRefused] = []
    for withdrawal in book.pending.values():
        number = withdrawal.number
        if number in in_default:
            facts.append(_refused(withdrawal, at, reason=Reason.MEMBER_DEFAULTED))
            continue
        after = remaining_cents.get(number, int(equity[number])) - withdrawal.amount_cents
        if number in has_open_call or after < int(initial[number]):
            facts.append(_refused(withdrawal, at, reason=Reason.INSUFFICIENT_EQUITY))
            continue
        remaining_cents[number] = after
        facts.append(_paid(withdrawal, at))
    return facts


def apply_pending(book: WithdrawalBook, fact: WithdrawalPending, *, number: int) -> None:
    """Block the amount."""
    withdrawal = PendingWithdrawal(
        fact.reference, fact.account, number, fact.asset, fact.amount_cents
    )
    _block(book, withdrawal)


def apply_decided(book: WithdrawalBook, reference: str) -> None:
    """Unblock the amount of a paid or refused withdrawal. The ledger moves the cash."""
    withdrawal = book.pending.pop(reference)
    blocked = book.blocked_cents[withdrawal.number] - withdrawal.amount_cents
    if blocked:
        book.blocked_cents[withdrawal.number] = blocked
    else:
        del book.blocked_cents[withdrawal.number]


def _block(book: WithdrawalBook, withdrawal: PendingWithdrawal) -> None:
    book.pending[withdrawal.reference] = withdrawal
    blocked = book.blocked_cents.get(withdrawal.number, 0)
    book.blocked_cents[withdrawal.number] = blocked + withdrawal.amount_cents


def _paid(withdrawal: PendingWithdrawal, at: int) -> CollateralMoved:
    return CollateralMoved(
        at=at,
        reference=withdrawal.reference,
        account=withdrawal.account,
        asset=withdrawal.asset,
        amount_cents=-withdrawal.amount_cents,
    )


def _refused(withdrawal: PendingWithdrawal, at: int, *, reason: Reason) -> WithdrawalRefused:
    return WithdrawalRefused(
        at=at,
        reference=withdrawal.reference,
        account=withdrawal.account,
        asset=withdrawal.asset,
        amount_cents=withdrawal.amount_cents,
        reason=reason.value,
    )
