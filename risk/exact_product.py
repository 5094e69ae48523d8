"""Losses of many accounts in many scenarios, exact to the cent (RULEBOOK §5).

In: lots by contract and account; the loss of a lot by contract and scenario. Out: for each account
the mean of its worst scenarios. An account's losses are float64 products where every sum that can
come up is an integer below 2⁵³, int64 below 2⁶³, Python ints beyond: each exact, so the order of
the sums, the blocks and the library of the products cannot be seen in a cent. A naive twin in
Python ints is tested against all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, magnitude
from events.units import INT64_MAX

# Bounds are float64 sums of a few terms: half of the limit leaves room for their rounding.
_FLOAT_BOUND: Final = float(1 << 52)
_INT64_BOUND: Final = float(1 << 62)

# A block of products, 256 KiB, stays in a core's second-level cache; it is reduced before the next.
_BLOCK_CELLS: Final = 1 << 15
# Of many scenarios at least so many accounts at once: a product of fewer rows is slower.
_ROWS_MIN: Final = 12
# OpenBLAS starts threads for more multiplications than this; beside other processes they wait for
# each other, and a product has been seen to take thirty times as long.
_ONE_THREAD: Final = 1 << 18

_Matrix = npt.NDArray[Any]


class LossMatrix:
    """The losses of a lot by contract and scenario: price · shock, as ints of three kinds."""

    __slots__ = ("_matrices", "_prices", "_shocks", "greatest")

    def __init__(self, prices: Sequence[int], shocks: Sequence[Sequence[int]]) -> None:
        """prices: (C,), at least 0; shocks: (C, S), the same number of scenarios for each."""
        self._prices = prices
        self._shocks = np.array(shocks, dtype=np.int64).reshape(len(prices), -1)
        self._matrices: dict[type, _Matrix] = {}
        # By contract, for the bounds of an account.
        self.greatest = np.array(
            [price * magnitude(row) for price, row in zip(prices, self._shocks, strict=True)],
            dtype=np.float64,
        )

    def as_kind(self, kind: type) -> _Matrix:
        """The matrix, (C, S). kind: one that holds the greatest loss exactly."""
        if kind not in self._matrices:
            prices: _Matrix = np.array(self._prices, dtype=kind)
            self._matrices[kind] = self._shocks.astype(kind) * prices[:, np.newaxis]
        return self._matrices[kind]


def worst_means(lots: IntArray, losses: LossMatrix, *, count: int, divisor: int) -> IntArray:
    """The mean of the `count` largest losses of each account, over `divisor`; never below 0.

    lots: (C, A). Returns (A,), rounded up. Errors: OverflowError when a mean is beyond int64.
    """
    positions: _Matrix = lots.astype(np.float64)
    bounds = losses.greatest @ np.abs(positions)
    is_float = bounds <= min(_FLOAT_BOUND, _INT64_BOUND / count)
    are_all = bool(is_float.all())
    if not are_all:
        positions[:, ~is_float] = 0
    sums = _worst_sums(positions, losses.as_kind(np.float64), count=count)
    means = _quotients(sums, divisor * count)
    if not are_all:
        is_int64 = bounds <= _INT64_BOUND / count
        for kind, mask in ((np.int64, ~is_float & is_int64), (object, ~is_float & ~is_int64)):
            columns = np.flatnonzero(mask)
            if columns.size:
                chosen: _Matrix = lots[:, columns].astype(kind)
                sums = _worst_sums(chosen, losses.as_kind(kind), count=count)
                means[columns] = _quotients(sums, divisor * count)
    return means


def _worst_sums(lots: _Matrix, losses: _Matrix, *, count: int) -> _Matrix:
    """The sum of the `count` largest losses of each account, as int64 or Python ints."""
    (contracts, accounts), scenarios = lots.shape, losses.shape[1]
    sums = np.zeros(accounts, dtype=object if lots.dtype == object else np.int64)
    cells = min(_BLOCK_CELLS, _ONE_THREAD // contracts)
    rows = min(accounts, max(cells // scenarios, 1 if count == 1 else _ROWS_MIN))
    # With a row for each scenario the largest are found by whole rows; with a row for each account
    # the many losses of one lie in one piece of memory.
    shape = (scenarios, rows) if count == 1 else (rows, scenarios)
    products: _Matrix = np.empty(shape, dtype=lots.dtype)
    for first in range(0, accounts, rows):
        block = lots[:, first : first + rows]
        if count == 1:
            product = np.matmul(losses.T, block, out=products[:, : block.shape[1]])
            sums[first : first + rows] = product.max(axis=0)
            continue
        product = products[: block.shape[1]]
        for scenario in range(0, scenarios, max(1, cells // rows)):
            chosen = slice(scenario, scenario + max(1, cells // rows))
            np.matmul(block.T, losses[:, chosen], out=product[:, chosen])
        product.partition(scenarios - count, axis=1)
        worst = product[:, scenarios - count :].astype(sums.dtype)
        sums[first : first + rows] = worst.sum(axis=1)
    return sums


def _quotients(sums: _Matrix, divisor: int) -> IntArray:
    """The sums over a divisor, rounded up, never below 0."""
    if sums.dtype != object and divisor <= INT64_MAX:
        quotients: IntArray = np.maximum(-(-sums // np.int64(divisor)), 0)
        return quotients
    return np.array([max(0, -(-value // divisor)) for value in sums.tolist()], dtype=np.int64)
