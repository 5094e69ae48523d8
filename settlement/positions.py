"""Positions in one contract, as columns over account numbers (RULEBOOK §3, §4).

`lots[a]` is the signed position of account a. `open_cents[a]` is the sum of signed lots × (price −
mark) over its trades since the contract's last mark, so that its variation at a price S is lots ·
(S − mark) − open_cents, exactly, for trades of today, carried over, busted or adjusted. Without a
mark yet, mark counts as 0. `paid_cents` exists while the contract has never had a settlement price:
the payments of cycles, reversed if the contract is left without any price. Law: lots and
open_cents sum to zero over all accounts (the clearinghouse is flat).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from events.int64 import IntArray, add, multiply_subtract, subtract, total


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Positions:
    """Columns over account numbers."""

    lots: array[int] = field(default_factory=_column)
    open_cents: array[int] = field(default_factory=_column)
    paid_cents: array[int] | None = None
    mark_ticks: int | None = None

    def grow(self, accounts: int) -> None:
        """Extend the columns with zeros to a number of accounts."""
        zeros = bytes(8 * (accounts - len(self.lots)))
        self.lots.frombytes(zeros)
        self.open_cents.frombytes(zeros)
        if self.paid_cents is not None:
            self.paid_cents.frombytes(zeros)

    def variation(self, price_ticks: int) -> IntArray:
        """The cents that each account gets (+) or pays at a price. Shape (accounts,)."""
        lots = np.frombuffer(self.lots, dtype=np.int64)
        opened = np.frombuffer(self.open_cents, dtype=np.int64)
        return multiply_subtract(lots, price_ticks - (self.mark_ticks or 0), subtrahend=opened)

    def can_mark(self, price_ticks: int) -> bool:
        """Whether the variation of every account at a price fits an int64."""
        try:
            self.variation(price_ticks)
        except OverflowError:
            return False
        return True

    def mark(self, price_ticks: int) -> None:
        """Carry all positions at a price from now on."""
        if self.paid_cents is not None:
            paid = add(np.frombuffer(self.paid_cents, dtype=np.int64), self.variation(price_ticks))
            self.paid_cents = _filled(paid)
        self.open_cents = array("q", bytes(8 * len(self.lots)))
        self.mark_ticks = price_ticks

    def give_back(self) -> IntArray:
        """The cents of each account when the payments of cycles are reversed. Shape (accounts,)."""
        if self.paid_cents is None:
            return np.zeros(len(self.lots), dtype=np.int64)
        return -np.frombuffer(self.paid_cents, dtype=np.int64)

    def unmark(self) -> None:
        """Undo every mark: open positions count from their trade prices again."""
        if self.paid_cents is None or self.mark_ticks is None:
            return
        lots = np.frombuffer(self.lots, dtype=np.int64)
        opened = np.frombuffer(self.open_cents, dtype=np.int64)
        paid = np.frombuffer(self.paid_cents, dtype=np.int64)
        unmarked = multiply_subtract(lots, self.mark_ticks, subtrahend=subtract(paid, opened))
        self.open_cents = _filled(unmarked)
        self.paid_cents = array("q", bytes(8 * len(self.lots)))
        self.mark_ticks = None

    def open_interest(self) -> int:
        """The sum of all long positions, which equals that of all short ones."""
        lots = np.frombuffer(self.lots, dtype=np.int64)
        return total(lots[lots > 0])


def _filled(values: IntArray) -> array[int]:
    column = array("q")
    column.frombytes(values.astype(np.int64).tobytes())
    return column
