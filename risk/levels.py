"""The levels of accounts that calls, withdrawals and instructions are decided by (RULEBOOK §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray


class AccountLevels(NamedTuple):
    """The levels of one account, in cents."""

    initial: int
    maintenance: int
    equity: int
    cash: int

    def due(self, *, is_for_cash: bool) -> int:
        """What is called, and what remains of a call; 0 or less: nothing.

        is_for_cash: of an account called for its cash only, while its equity is not below
        maintenance margin. Variation is paid in cash only, so negative cash counts whatever the
        assets.
        """
        if is_for_cash and self.equity >= self.maintenance:
            return -self.cash
        return max(self.initial - self.equity, -self.cash)


@dataclass(frozen=True, slots=True)
class MarginLevels:
    """The levels of all accounts by number: (A,), in cents.

    equity: cash and what assets count for.
    """

    initial: IntArray
    maintenance: IntArray
    equity: IntArray
    cash: IntArray

    def of(self, number: int) -> AccountLevels:
        """The levels of an account."""
        return next(self.of_each(np.array([number], dtype=np.intp)))

    def of_each(self, numbers: npt.NDArray[np.intp]) -> Iterator[AccountLevels]:
        """The levels of some accounts, in their order."""
        columns = (self.initial, self.maintenance, self.equity, self.cash)
        rows = zip(*(column[numbers].tolist() for column in columns), strict=True)
        return map(AccountLevels._make, rows)
