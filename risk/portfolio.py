"""From the margins of positions to the margin of an account (RULEBOOK §5).

In: holdings of one or several contracts under one model. Out: the requirement of every account.
No other module adds margins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from events.int64 import add_at, as_index
from risk.margin import Holding, Requirement
from risk.requirement import margin_column


def sum_of_parts(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """Σ ceil(|lots| · price · rate / 10⁶): no position offsets another. For measures of a rate.

    settings: none.

    Errors: OverflowError when an account's sum is beyond int64.
    """
    assert not settings, f"expected no settings, found {settings}"
    initial = np.zeros(accounts, dtype=np.int64)
    parts = []
    for holding in holdings:
        margin = np.zeros(len(holding.lots), dtype=np.int64)
        if holding.price_cents is not None:
            margin_column(
                holding.lots,
                price_cents=holding.price_cents,
                rate_ppm=holding.measure.shocks_ppm[0],
                out=margin,
            )
        add_at(initial, as_index(holding.accounts), addend=margin)
        parts.append(margin)
    return Requirement(initial, parts)
