"""Many novations at once: positions, session trades and lots bounds, by columns (RULEBOOK §3).

In: columns of trades that have passed every guard and whose sums stay inside int64. Out: the same
books as by applying each fact. Used for deciding a block and for folding recorded rows. A few are
added one by one: ten contracts want as many calls of NumPy for three trades as for thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from events.int64 import IntArray
from services.shards.market.books import ContractBooks, MarketBooks

# At 64 trades in ten contracts both ways take as long.
_FEW: Final = 64


class Novations(NamedTuple):
    """Trades in the order of the stream; buyer and seller are account numbers."""

    seqs: IntArray
    executed_at: IntArray
    ticks: IntArray
    lots: IntArray
    buyer: IntArray
    seller: IntArray


def novate(books: MarketBooks, trades: Novations, *, contract: IntArray) -> None:
    """Apply novations to positions, lots bounds and session trades. contract: their numbers."""
    contracts = books.contracts.values()
    if len(contract) <= _FEW:
        _novate_each([*contracts], trades, contract=contract)
    else:
        for number, entry in enumerate(contracts):
            rows = np.flatnonzero(contract == number)
            if len(rows):
                novate_columns(entry, Novations(*(column[rows] for column in trades)))
    widen_lots_bounds(books, (trades.buyer, trades.seller), lots=trades.lots)


def _novate_each(
    contracts: Sequence[ContractBooks], trades: Novations, *, contract: IntArray
) -> None:
    rows = zip(contract.tolist(), *(column.tolist() for column in trades), strict=True)
    for number, seq, executed_at, ticks, lots, buyer, seller in rows:
        entry = contracts[number]
        positions = entry.positions
        cents = lots * (ticks - (positions.mark_ticks or 0))
        positions.lots[buyer] += lots
        positions.lots[seller] -= lots
        positions.open_cents[buyer] += cents
        positions.open_cents[seller] -= cents
        entry.trades.add(seq, executed_at, price_ticks=ticks, lots=lots)


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
