"""`scan`: the worst of 16 scenarios for many accounts, exact, against the bare product of BLAS.

initial: seconds from lots to the cents of every account (product, worst, bounds of what is exact,
rounding up) against the same float64 products in blocks alone, on the same numbers, by turns; the
best of TRIES each, in CPU seconds of one thread. requirement: `worst_scenario` whole, which lays
out the holdings and states the margin of each position and the credit too: one more pass over ten
times as many numbers. Six accounts are checked against Python ints.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np

from events.int64 import IntArray
from events.units import PPM
from risk.exact_product import LossMatrix, worst_means
from risk.margin import Holding
from risk.portfolio import worst_scenario
from tests.bench.figure import Figure, line_of
from tests.bench.portfolios import bare_product_seconds, portfolios, worst_of

TRIES: Final = 5
_SCENARIOS: Final = 16
_ROWS: Final = 8_192
_SETTINGS: Final = {"scan_product_credit_ppm": 0}


def run(_: Path, *, accounts: int) -> dict[str, Any]:
    """The requirement of so many accounts, each with positions in ten contracts."""
    holdings, lots, losses = portfolios(accounts, _SCENARIOS)
    bare, initial, whole = [], [], []
    margins = required = np.zeros(0, dtype=np.int64)
    for _number in range(TRIES):
        bare.append(bare_product_seconds(lots, losses))
        begun = process_time()
        margins = _initial(holdings, lots)
        initial.append(process_time() - begun)
        begun = process_time()
        required = worst_scenario(holdings, accounts, settings=_SETTINGS).initial
        whole.append(process_time() - begun)
    assert np.array_equal(margins, required)
    for account in range(0, accounts, max(1, accounts // 6)):
        assert margins[account] == worst_of(lots, losses, account, count=1), account
    figures = [
        Figure("initial", "s", min(initial), min(bare), 3, "at_most"),
        Figure("requirement", "s", min(whole), min(bare), 8, "at_most"),
    ]
    return line_of("scan", figures, accounts=accounts)


def _initial(holdings: list[Holding], lots: IntArray) -> IntArray:
    shocks = [holding.measure.shocks_ppm for holding in holdings]
    matrix = LossMatrix([holding.price_cents or 0 for holding in holdings], shocks)
    blocks = (lots[:, first : first + _ROWS] for first in range(0, lots.shape[1], _ROWS))
    return np.concatenate([worst_means(block, matrix, count=1, divisor=PPM) for block in blocks])
