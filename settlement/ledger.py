"""Prices in cents (RULEBOOK §3, §4).

Law of every product (`Product`): a tick is one cent a lot. So a price in ticks times lots is cents:
`cents` for one position, columns of `positions` and `novations` for many.
"""

from __future__ import annotations


def cents(lots: int, ticks: int) -> int:
    """The value of lots at a price, or their gain by a change of price."""
    return lots * ticks
