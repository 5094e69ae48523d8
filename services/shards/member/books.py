"""The books of `member/0`: cash, requirements, calls, withdrawals, the ledger's balances.

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
from risk.calls import CallBook
from risk.withdrawals import WithdrawalBook
from services.shards.emission import Emission
from settlement.control_books import ControlBooks

MemberEmission: TypeAlias = Emission[MemberShardFact]


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class MemberBooks:
    """All books of `member/0`.

    clearinghouse_cents: credit less debit of the clearinghouse's ledger accounts.
    """

    control: ControlBooks = field(default_factory=ControlBooks)
    clock: int | None = None
    cash: array[int] = field(default_factory=_column)
    initial: array[int] = field(default_factory=_column)
    maintenance: array[int] = field(default_factory=_column)
    had_position: bytearray = field(default_factory=bytearray)
    calls: CallBook = field(default_factory=CallBook)
    withdrawals: WithdrawalBook = field(default_factory=WithdrawalBook)
    clearinghouse_cents: dict[str, int] = field(default_factory=dict)

    def number_of(self, account: str) -> int:
        """The number of an account."""
        return self.control.accounts[account].number

    def equity(self) -> IntArray:
        """The equity of each account in cents: its cash (RULEBOOK §5)."""
        return as_column(self.cash)

    def equity_of(self, number: int) -> int:
        """The equity of one account in cents."""
        return self.cash[number]


def as_column(values: array[int]) -> IntArray:
    """A copy of a column as an array."""
    return np.array(values, dtype=np.int64)


def stored(values: IntArray) -> array[int]:
    """An array as a column."""
    column = array("q")
    column.frombytes(values.astype(np.int64).tobytes())
    return column
