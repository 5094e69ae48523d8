"""`es`: expected shortfall of many portfolios, exact, against the bare product of BLAS.

Portfolios a second of `tail_mean` (layout, product, tail, cents, parts) against those of the same
float64 products in blocks alone, on the same numbers, by turns; the best of TRIES each, in CPU
seconds of one thread. Memory is the most the process ever had. Six portfolios are checked against
sorted Python ints.
"""

from __future__ import annotations

import resource
from pathlib import Path
from time import process_time
from typing import Any, Final

from risk.portfolio import tail_mean
from tests.bench.figure import Figure, line_of
from tests.bench.portfolios import bare_product_seconds, portfolios, worst_of

TRIES: Final = 3
_MEMORY_MAX_MB: Final = 2_000


def run(_: Path, *, accounts: int, scenarios: int) -> dict[str, Any]:
    """The mean of the worst hundredth of the scenarios, for so many accounts of ten contracts."""
    holdings, lots, losses = portfolios(accounts, scenarios)
    ours, bare = [], []
    margins: list[int] = []
    for _number in range(TRIES):
        bare.append(bare_product_seconds(lots, losses))
        begun = process_time()
        margins = tail_mean(holdings, accounts, settings={}).initial.tolist()
        ours.append(process_time() - begun)
    for account in range(0, accounts, max(1, accounts // 6)):
        expected = worst_of(lots, losses, account, count=-(-scenarios // 100))
        assert margins[account] == expected, account
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    figures = [
        Figure("portfolios", "1/s", accounts / min(ours), accounts / min(bare), 0.3, "at_least"),
        Figure("memory", "MB", memory_mb, _MEMORY_MAX_MB, 1, "at_most"),
    ]
    return line_of("es", figures, accounts=accounts, scenarios=scenarios)
