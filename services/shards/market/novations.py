"""Many novations at once: positions, session trades and reach, by columns (RULEBOOK §3).

In: columns of trades that have passed every guard and whose sums stay inside int64. Out: the books
as applying each fact makes them. Deciding a block and folding recorded rows both end here.
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
    """A column of so many integers."""
    return np.fromiter(values, dtype=np.int64, count=count)


def novate_columns(contract: ContractBooks, trades: Novations) -> None:
    """The effect of novations in one contract."""
    positions = contract.positions
    cents = trades.lots * (trades.ticks - (positions.mark_ticks or 0))
    for column, moved in ((positions.lots, trades.lots), (positions.open_cents, cents)):
        held = np.frombuffer(column, dtype=np.int64)
        np.add.at(held, trades.buyer, moved)
        np.subtract.at(held, trades.seller, moved)
    contract.trades.extend(trades.seqs, trades.executed_at, prices=trades.ticks, lots=trades.lots)


def widen_reaches(books: MarketBooks, sides: Iterable[IntArray], *, lots: IntArray) -> None:
    """The bound on owners' positions after more trades. sides: buyers' and sellers' numbers."""
    owner_of = np.frombuffer(books.owner_of, dtype=np.int64)
    reach = np.frombuffer(books.reach_lots, dtype=np.int64)
    for side in sides:
        np.add.at(reach, owner_of[side], lots)
