"""Many novations at once: positions, session trades and lots bounds, by columns (RULEBOOK §3).

In: columns of trades that have passed every guard and whose sums stay inside int64. Out: the same
books as by applying each fact. Used for deciding a block and for folding recorded rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from events.int64 import IntArray
from services.shards.market.books import ContractBooks, MarketBooks


class Novations(NamedTuple):
    """Trades in the order of the stream; buyer and seller are account numbers."""

    seqs: IntArray
    executed_at: IntArray
    ticks: IntArray
    lots: IntArray
    buyer: IntArray
    seller: IntArray


def integers(values: Iterable[int], count: int) -> IntArray:
    """A column of `count` integers."""
    return np.fromiter(values, dtype=np.int64, count=count)


def novate_columns(contract: ContractBooks, trades: Novations) -> None:
    """Apply novations in one contract."""
    positions = contract.positions
    cents = trades.lots * (trades.ticks - (positions.mark_ticks or 0))
    for column, moved in ((positions.lots, trades.lots), (positions.open_cents, cents)):
        view = np.frombuffer(column, dtype=np.int64)
        np.add.at(view, trades.buyer, moved)
        np.subtract.at(view, trades.seller, moved)
    contract.trades.extend(trades.seqs, trades.executed_at, prices=trades.ticks, lots=trades.lots)


def widen_lots_bounds(books: MarketBooks, sides: Iterable[IntArray], *, lots: IntArray) -> None:
    """Raise the bounds on owners' positions by trades. sides: buyers' and sellers' numbers."""
    owner_of = np.frombuffer(books.owner_of, dtype=np.int64)
    bounds = np.frombuffer(books.lots_bound, dtype=np.int64)
    for side in sides:
        np.add.at(bounds, owner_of[side], lots)
