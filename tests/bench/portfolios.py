"""Made-up portfolios for the benches of models: holdings of contracts, and a bare product of them.

The bare product is float64 BLAS alone, into one block that is written over: the losses are
computed and looked at by nobody.
"""

from __future__ import annotations

from time import process_time

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray
from risk.margin import Holding, Measure

CONTRACTS = 10
_BLOCK_ELEMENTS = (1 << 15, 1 << 18)


def portfolios(accounts: int, scenarios: int) -> tuple[list[Holding], IntArray, IntArray]:
    """Holdings on one axis; lots (C, A); losses (C, S). One account in 10,000 has 10⁹ lots."""
    rng = np.random.default_rng(11)
    lots = rng.integers(-1_000, 1_001, (CONTRACTS, accounts))
    lots[0, ::10_000] = 10**9
    shocks = rng.integers(-300_000, 300_001, (CONTRACTS, scenarios))
    numbers = np.arange(accounts)
    holdings = [
        Holding(numbers, row, 200 + contract, Measure("bench", tuple(losses.tolist())), "SIT")
        for contract, (row, losses) in enumerate(zip(lots, shocks, strict=True))
    ]
    return holdings, lots, shocks * (200 + np.arange(CONTRACTS))[:, np.newaxis]


def bare_product_seconds(lots: IntArray, losses: IntArray) -> float:
    """CPU seconds of the product in blocks of the faster of two sizes.

    A row for each account where scenarios are many, else one for each scenario.
    """
    positions: npt.NDArray[np.float64] = lots.astype(np.float64)
    matrix: npt.NDArray[np.float64] = losses.astype(np.float64)
    return min(_seconds(positions, matrix, elements=elements) for elements in _BLOCK_ELEMENTS)


def _seconds(
    positions: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64], *, elements: int
) -> float:
    accounts, scenarios = positions.shape[1], matrix.shape[1]
    rows = max(1, elements // scenarios)
    block = np.empty((rows, scenarios) if scenarios > rows else (scenarios, rows))
    begun = process_time()
    for first in range(0, accounts, rows):
        chosen = positions[:, first : first + rows]
        if scenarios > rows:
            np.matmul(chosen.T, matrix, out=block[: chosen.shape[1]])
        else:
            np.matmul(matrix.T, chosen, out=block[:, : chosen.shape[1]])
    return process_time() - begun


def worst_of(lots: IntArray, losses: IntArray, account: int, *, count: int) -> int:
    """The margin of one account in Python ints: the mean of the worst, rounded up to a cent."""
    row = [int(position) for position in lots[:, account]]
    pairs = [list(zip(row, column, strict=True)) for column in losses.T.tolist()]
    sums = sorted(sum(position * loss for position, loss in scenario) for scenario in pairs)
    worst: int = max(0, sum(sums[-count:]))
    return -(-worst // (count * 10**6))
