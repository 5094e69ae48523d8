"""Withdrawals: blocked at once, paid or refused at the next cycle (RULEBOOK §5).

In: what accounts have and what is required of them, and the accounts with an open call. Out: the
facts `withdrawal_pending`, then `collateral_moved` (paid) or `withdrawal_refused`; of units of
other assets `asset_withdrawal_pending`, then `asset_moved` or `asset_withdrawal_refused`.
Decisions read a `WithdrawalBook`; only `apply_*` change it.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Self, TypeAlias

from events.asset_facts import AssetMoved, AssetWithdrawalPending, AssetWithdrawalRefused
from events.contracts import CURRENCY
from events.member_facts import CollateralMoved, WithdrawalPending, WithdrawalRefused
from events.refusals import Reason

WithdrawalDecision: TypeAlias = (
    CollateralMoved | WithdrawalRefused | AssetMoved | AssetWithdrawalRefused
)


@dataclass(frozen=True, slots=True)
class PendingWithdrawal:
    """A withdrawal to be decided in the next cycle.

    number: of the account; amount: cents of cash, units of any other asset.
    """

    reference: str
    account: str
    number: int
    asset: str
    amount: int

    @property
    def is_cash(self) -> bool:
        """Whether cash is asked for."""
        return self.asset == CURRENCY


@dataclass(frozen=True, slots=True)
class AccountFunds:
    """What an account has after a cycle's variation. units: by asset."""

    cash_cents: int
    initial_cents: int
    units: dict[str, int] = field(default_factory=dict)

    def without(self, withdrawal: PendingWithdrawal) -> AccountFunds:
        """What is left once a withdrawal is paid."""
        if withdrawal.is_cash:
            return replace(self, cash_cents=self.cash_cents - withdrawal.amount)
        units = self.units[withdrawal.asset] - withdrawal.amount
        return replace(self, units=self.units | {withdrawal.asset: units})


@dataclass(slots=True)
class WithdrawalBook:
    """The pending withdrawals, by reference in order of arrival.

    blocked: their sums by account number and asset.
    """

    pending: dict[str, PendingWithdrawal] = field(default_factory=dict)
    blocked: dict[tuple[int, str], int] = field(default_factory=dict)

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


def free_amount(book: WithdrawalBook, number: int, *, asset: str, amount: int) -> int:
    """What an account may ask for: the amount that is there less what is blocked already."""
    return amount - book.blocked.get((number, asset), 0)


def decide_withdrawals(
    book: WithdrawalBook,
    *,
    funds_of: Callable[[int], AccountFunds],
    counted: Callable[[AccountFunds], int],
    has_open_call: Container[int],
    in_default: Container[int],
    at: int,
) -> list[WithdrawalDecision]:
    """Pay or refuse the pending withdrawals in order of arrival, after the cycle's margin.

    A withdrawal is paid if the account's equity without it stays at or above initial margin and its
    cash at or above zero, and it has no open call; never to a member in default. funds_of: of an
    account after the cycle's variation, what is blocked included; counted: what its assets count
    for, in cents; in_default: numbers of accounts. Each payment leaves less for the account's next
    withdrawal.
    """
    funds: dict[int, AccountFunds] = {}
    facts: list[WithdrawalDecision] = []
    for withdrawal in book.pending.values():
        number = withdrawal.number
        if number in in_default:
            facts.append(_refused(withdrawal, at, reason=Reason.MEMBER_DEFAULTED))
            continue
        before = funds[number] if number in funds else funds_of(number)
        after = before.without(withdrawal)
        if number in has_open_call or not _covers(after, counted):
            facts.append(_refused(withdrawal, at, reason=Reason.INSUFFICIENT_EQUITY))
            continue
        funds[number] = after
        facts.append(_paid(withdrawal, at))
    return facts


def _covers(funds: AccountFunds, counted: Callable[[AccountFunds], int]) -> bool:
    """Whether what is left covers the requirement; units may be gone since, by a liquidation."""
    if funds.cash_cents < 0 or any(units < 0 for units in funds.units.values()):
        return False
    return funds.cash_cents + counted(funds) >= funds.initial_cents


def apply_pending(
    book: WithdrawalBook, fact: WithdrawalPending | AssetWithdrawalPending, *, number: int
) -> None:
    """Block the amount."""
    amount = fact.amount_cents if isinstance(fact, WithdrawalPending) else fact.units
    _block(book, PendingWithdrawal(fact.reference, fact.account, number, fact.asset, amount))


def apply_decided(book: WithdrawalBook, reference: str) -> None:
    """Unblock the amount of a paid or refused withdrawal. The ledger moves the cash."""
    withdrawal = book.pending.pop(reference)
    key = (withdrawal.number, withdrawal.asset)
    blocked = book.blocked[key] - withdrawal.amount
    if blocked:
        book.blocked[key] = blocked
    else:
        del book.blocked[key]


def _block(book: WithdrawalBook, withdrawal: PendingWithdrawal) -> None:
    book.pending[withdrawal.reference] = withdrawal
    key = (withdrawal.number, withdrawal.asset)
    book.blocked[key] = book.blocked.get(key, 0) + withdrawal.amount


def _paid(withdrawal: PendingWithdrawal, at: int) -> CollateralMoved | AssetMoved:
    fields = _fields(withdrawal, at)
    if withdrawal.is_cash:
        return CollateralMoved.model_validate(fields | {"amount_cents": -withdrawal.amount})
    return AssetMoved.model_validate(fields | {"units": -withdrawal.amount})


def _refused(
    withdrawal: PendingWithdrawal, at: int, *, reason: Reason
) -> WithdrawalRefused | AssetWithdrawalRefused:
    fields = _fields(withdrawal, at) | {"reason": reason.value}
    if withdrawal.is_cash:
        return WithdrawalRefused.model_validate(fields | {"amount_cents": withdrawal.amount})
    return AssetWithdrawalRefused.model_validate(fields | {"units": withdrawal.amount})


def _fields(withdrawal: PendingWithdrawal, at: int) -> dict[str, Any]:
    """What all decisions say of a withdrawal."""
    return {
        "at": at,
        "reference": withdrawal.reference,
        "account": withdrawal.account,
        "asset": withdrawal.asset,
    }
