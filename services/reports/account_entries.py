"""Accounts on a date: balances at its cycles, movements, and what members were instructed.

The sums that `account_days.py` folds from facts and statements show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.reports.report import ReportFact
from services.reports.stored_row import StoredRow
from settlement.control_books import Account


@dataclass(slots=True)
class CycleBalance:
    """An account at a cycle.

    equity_cents: after the cycle's variation, before its withdrawals, as `margin_set` states it;
    collateral_cents: what assets count for in it; on_deposit_cents: what is there after the
    withdrawals; assets: the units then, and what they count for.
    """

    seq: int
    cycle: str
    cash_cents: int
    variation_cents: int
    initial_cents: int
    maintenance_cents: int
    equity_cents: int
    collateral_cents: int
    on_deposit_cents: int
    parts: list[dict[str, Any]]
    assets: list[ReportFact]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of the account."""
        return not (self.cash_cents or self.variation_cents or self.parts)


@dataclass(slots=True)
class AccountDay:
    """An account with a member on a date. Law: opening and all movements make the cash.

    ported_cents: the cash with which it came from another member, or (−) left for another;
    came_cents: deposits since the last cycle.
    """

    account: Account
    member: str
    opening_cents: int = 0
    opening_initial_cents: int = 0
    cash_cents: int = 0
    collateral_cents: int = 0
    variation_cents: int = 0
    deposits_cents: int = 0
    withdrawals_cents: int = 0
    other_cents: int = 0
    ported_cents: int = 0
    has_left: bool = False
    balances: list[CycleBalance] = field(default_factory=list)
    movements: list[ReportFact] = field(default_factory=list)
    came_cents: int = 0

    @property
    def initial_cents(self) -> int:
        """The requirement of the last cycle: of the date, else of the close before it."""
        if self.has_left:
            return 0
        return self.balances[-1].initial_cents if self.balances else self.opening_initial_cents

    @property
    def on_deposit_cents(self) -> int:
        """What is there for margin at the end."""
        return self.cash_cents + self.collateral_cents


@dataclass(slots=True)
class AccountsDay:
    """All accounts asked for on a date, by name, and what members were instructed.

    member: of which alone is told, if any; departed: with the members that they left on the date;
    barriers: the rows of the cycles; opened_by: the row of the close before, 0 if there is none.
    """

    day: date
    accounts: dict[str, AccountDay]
    member: str | None = None
    departed: list[AccountDay] = field(default_factory=list)
    names: frozenset[bytes] = field(init=False)
    instructions: list[ReportFact] = field(default_factory=list)
    barriers: list[StoredRow] = field(default_factory=list)
    opened_by: int = 0

    def __post_init__(self) -> None:
        """Note the names as they stand in the journal."""
        self.names = frozenset(name.encode() for name in self.accounts)

    @property
    def entries(self) -> list[AccountDay]:
        """Every account with each member that had it on the date, in the order of the accounts."""
        every = [
            entry
            for name, last in self.accounts.items()
            for entry in (*(past for past in self.departed if past.account.name == name), last)
        ]
        return [entry for entry in every if self.member in (None, entry.member)]
