"""The books of `member/0`: cash, assets, requirements, calls, withdrawals, ledger balances.

Columns over account numbers, in cents. Law: balances equal the sum of postings; debits equal
credits.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from events.facts import MemberShardFact
from events.int64 import IntArray
from events.ledger_names import fund_of
from risk.calls import CallBook
from risk.collateral import AssetBook, counted_by_asset, worths
from risk.fund import FundBook
from risk.levels import AccountLevels, MarginLevels
from risk.withdrawals import AccountFunds, WithdrawalBook
from services.shards.emission import Emission
from settlement.control_books import ControlBooks

MemberEmission: TypeAlias = Emission[MemberShardFact]


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class MemberBooks:
    """All books of `member/0`.

    clearinghouse_cents: credit less debit of the clearinghouse's ledger accounts, among them the
    contributions to the fund. settlements: by defaulter the time of an order that waits;
    settled: by defaulter that a waterfall was applied to, what each member was assessed for it.
    """

    control: ControlBooks = field(default_factory=ControlBooks)
    clock: int | None = None
    cash: array[int] = field(default_factory=_column)
    initial: array[int] = field(default_factory=_column)
    maintenance: array[int] = field(default_factory=_column)
    had_position: bytearray = field(default_factory=bytearray)
    calls: CallBook = field(default_factory=CallBook)
    withdrawals: WithdrawalBook = field(default_factory=WithdrawalBook)
    assets: AssetBook = field(default_factory=AssetBook)
    fund: FundBook = field(default_factory=FundBook)
    settlements: dict[str, int] = field(default_factory=dict)
    settled: dict[str, dict[str, int]] = field(default_factory=dict)
    clearinghouse_cents: dict[str, int] = field(default_factory=dict)

    def number_of(self, account: str) -> int:
        """The number of an account."""
        return self.control.accounts[account].number

    def cash_cents(self, account: str) -> int:
        """The cash of an account."""
        return self.cash[self.number_of(account)]

    def fund_cents(self, member: str | None) -> int:
        """A member's contribution to the fund; of None the clearinghouse's own capital."""
        return self.clearinghouse_cents.get(fund_of(member), 0)

    def is_in_default(self, member: str) -> bool:
        """Whether a member's default is declared and not settled."""
        return self.control.members[member].is_defaulted and member not in self.settled

    def levels(self, at: int) -> MarginLevels:
        """The levels of all accounts, with the prices that are fresh at a time (RULEBOOK §5)."""
        cash = as_column(self.cash)
        return MarginLevels(
            initial=as_column(self.initial),
            maintenance=as_column(self.maintenance),
            equity=cash + self.collateral(at) if self.assets.units else cash,
            cash=cash,
        )

    def collateral(self, at: int) -> IntArray:
        """What the assets of each account count for, in cents; it fits beside its cash."""
        total = np.zeros(len(self.cash), dtype=np.int64)
        for counted in self.counted(at).values():
            total += counted
        return total

    def counted(self, at: int) -> dict[str, IntArray]:
        """What each asset counts for, by account number, in cents."""
        return counted_by_asset(
            {asset: as_column(column) for asset, column in self.assets.units.items()},
            worths(self.assets, self.control.assets, at=at),
            initial=as_column(self.initial),
            cash=as_column(self.cash),
        )

    def levels_of(self, number: int, at: int) -> AccountLevels:
        """The levels of one account."""
        funds = self.funds_of(number)
        equity = funds.cash_cents + self.collateral_of(funds, at)
        return AccountLevels(
            funds.initial_cents, self.maintenance[number], equity, funds.cash_cents
        )

    def funds_of(self, number: int) -> AccountFunds:
        """What one account has, what is blocked included."""
        return AccountFunds(self.cash[number], self.initial[number], self.assets.units_of(number))

    def collateral_of(self, funds: AccountFunds, at: int) -> int:
        """What the assets of one account count for, in cents."""
        if not any(funds.units.values()):
            return 0
        counted = counted_by_asset(
            {asset: _single(units) for asset, units in funds.units.items()},
            worths(self.assets, self.control.assets, at=at),
            initial=_single(funds.initial_cents),
            cash=_single(funds.cash_cents),
        )
        return sum(int(column[0]) for column in counted.values())


def as_column(values: array[int]) -> IntArray:
    """A copy of a column as an array."""
    return np.array(values, dtype=np.int64)


def _single(value: int) -> IntArray:
    return np.array([value], dtype=np.int64)


def stored(values: IntArray) -> array[int]:
    """An array as a column."""
    column = array("q")
    column.frombytes(values.astype(np.int64).tobytes())
    return column
