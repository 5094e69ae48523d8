"""Losses of many accounts in many scenarios, exact to the cent (RULEBOOK §5).

In: lots by contract and account; the loss of a lot by contract and scenario. Out: for each account
the mean of its worst scenarios. An account's losses are float64 products where every sum that can
come up is an integer below 2⁵³, int64 below 2⁶³, Python ints beyond: each exact, so the order of
the sums, the blocks and the library of the products cannot be seen in a cent. A naive twin in
Python ints is tested against all three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, magnitude
from events.units import INT64_MAX

# Bounds are float64 sums of a few terms: half of the limit leaves room for their rounding.
_FLOAT_BOUND: Final = float(1 << 52)
_INT64_BOUND: Final = float(1 << 62)

# A block of products, 1 MiB, stays in a core's second-level cache; it is reduced before the next.
_BLOCK_ELEMENTS: Final = 1 << 17

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
    means = np.zeros(lots.shape[1], dtype=np.int64)
    for kind, columns in _kinds(lots, losses, count=count):
        chosen: _Matrix = lots[:, columns].astype(kind)
        sums = _worst_sums(chosen, losses.as_kind(kind), count=count)
        means[columns] = _quotients(sums, divisor * count)
    return means


def _kinds(
    lots: IntArray, losses: LossMatrix, *, count: int
) -> Iterator[tuple[type, IntArray | slice]]:
    """The kinds of numbers that are exact, each with its accounts."""
    bounds = losses.greatest @ np.abs(lots.astype(np.float64))
    is_float = bounds <= min(_FLOAT_BOUND, _INT64_BOUND / count)
    if is_float.all():
        yield np.float64, slice(None)
        return
    is_int64 = ~is_float & (bounds <= _INT64_BOUND / count)
    for kind, mask in (
        (np.float64, is_float),
        (np.int64, is_int64),
        (object, ~(is_float | is_int64)),
    ):
        if mask.any():
            yield kind, np.flatnonzero(mask)


def _worst_sums(lots: _Matrix, losses: _Matrix, *, count: int) -> _Matrix:
    """The sum of the `count` largest losses of each account, as int64 or Python ints."""
    accounts, scenarios = lots.shape[1], losses.shape[1]
    sums = np.zeros(accounts, dtype=object if lots.dtype == object else np.int64)
    rows = max(1, _BLOCK_ELEMENTS // scenarios)
    for first in range(0, accounts, rows):
        block = lots[:, first : first + rows]
        # With a row for each scenario the largest are found by whole rows; with a row for each
        # account the largest of many lie in one piece of memory.
        if count == 1:
            sums[first : first + rows] = (losses.T @ block).max(axis=0)
        else:
            product = block.T @ losses
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
