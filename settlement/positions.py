"""Positions in one contract, as columns over account numbers (RULEBOOK §3, §4).

`lots[a]` is what account a holds (signed). `open_cents[a]` is the sum of signed lots × (price −
mark) of what it traded since the contract's last mark, so that its variation at a price S is lots ·
(S − mark) − open_cents, exactly, whether a trade is of today, carried over, busted or adjusted.
Without a mark yet, mark counts as 0. `paid_cents` exists while the contract has never had a
settlement price: what cycles paid, to be given back when it is left without any price. Law: lots
and open_cents sum to zero over all accounts (the house is flat).
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
        """Make room for so many accounts."""
        missing = bytes(8 * (accounts - len(self.lots)))
        self.lots.frombytes(missing)
        self.open_cents.frombytes(missing)
        if self.paid_cents is not None:
            self.paid_cents.frombytes(missing)

    def variation(self, price_ticks: int) -> IntArray:
        """What each account gets (+) or pays when marked to a price. Shape (accounts,), cents."""
        lots = np.frombuffer(self.lots, dtype=np.int64)
        opened = np.frombuffer(self.open_cents, dtype=np.int64)
        return multiply_subtract(lots, price_ticks - (self.mark_ticks or 0), subtrahend=opened)

    def can_mark(self, price_ticks: int) -> bool:
        """Whether what each account would get at a price fits an int64."""
        try:
            self.variation(price_ticks)
        except OverflowError:
            return False
        return True

    def mark(self, price_ticks: int) -> None:
        """Carry everything at a price from here on."""
        if self.paid_cents is not None:
            paid = add(np.frombuffer(self.paid_cents, dtype=np.int64), self.variation(price_ticks))
            self.paid_cents = _filled(paid)
        self.open_cents = array("q", bytes(8 * len(self.lots)))
        self.mark_ticks = price_ticks

    def give_back(self) -> IntArray:
        """What each account gets when cycles' payments are undone. Shape (accounts,), cents."""
        if self.paid_cents is None:
            return np.zeros(len(self.lots), dtype=np.int64)
        return -np.frombuffer(self.paid_cents, dtype=np.int64)

    def unmark(self) -> None:
        """Undo every mark: what stands open counts from its own price again."""
        if self.paid_cents is None or self.mark_ticks is None:
            return
        lots = np.frombuffer(self.lots, dtype=np.int64)
        opened = np.frombuffer(self.open_cents, dtype=np.int64)
        paid = np.frombuffer(self.paid_cents, dtype=np.int64)
        own = multiply_subtract(lots, self.mark_ticks, subtrahend=subtract(paid, opened))
        self.open_cents = _filled(own)
        self.paid_cents = array("q", bytes(8 * len(self.lots)))
        self.mark_ticks = None

    def open_interest(self) -> int:
        """Lots held long, which are as many as those held short."""
        lots = np.frombuffer(self.lots, dtype=np.int64)
        return total(lots[lots > 0])


def _filled(values: IntArray) -> array[int]:
    column = array("q")
    column.frombytes(values.astype(np.int64).tobytes())
    return column
