"""Which trades and quotes are ordinary: they pass every guard and cause one fact (RULEBOOK §3).

In: the columns of a block, the present books. Out: a mask of the lines that must be decided one by
one: an unknown or a stopped account, a halt, a price not strictly inside the limits, a large
position. It holds until a fact or a control command changes what it was taken from.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from events.control_facts import CommandRefused
from events.fact import Fact
from events.index_facts import IndexFact
from events.int64 import IntArray, magnitude_of
from events.market_facts import (
    PositionLimitBreached,
    PositionLimitWarned,
    QuoteSet,
    TradeAlreadyCleared,
)
from events.texts import Bools
from events.units import INT64_MAX, day_start
from services.shards.instant_columns import NEVER
from services.shards.market.books import ContractBooks, MarketBooks, tradable
from services.shards.market.line_columns import Columns
from settlement.control_books import LOOK_AHEAD_NS, LOOK_BACK_NS

LOTS_FAST_MAX: Final = 1 << 40
_BOUND: Final = 1 << 61
# Facts after which ordinary lines are the same as before; a quote's bid see `_highest`.
_HARMLESS: Final = (
    CommandRefused, IndexFact, PositionLimitBreached, PositionLimitWarned, TradeAlreadyCleared,
)  # fmt: skip


def changes_ordinary(books: MarketBooks, fact: Fact) -> bool:
    """Whether other lines may be ordinary after a fact than before."""
    if isinstance(fact, QuoteSet):
        return books.contracts[fact.contract].reference_ticks is None
    return not isinstance(fact, _HARMLESS)


def ordinary_limits(books: MarketBooks) -> list[tuple[int, int]]:
    """The bounds of ordinary prices of each contract; (0, 0) while no price is ordinary."""
    return [_bounds(books, contract) for contract in books.contracts.values()]


def _bounds(books: MarketBooks, contract: ContractBooks) -> tuple[int, int]:
    low, high, has_halts = contract.halts.ordinary_bounds
    if has_halts or not tradable(books, contract):
        return 0, 0
    return max(low, 0), min(high, INT64_MAX)


def unusual_lines(books: MarketBooks, columns: Columns, *, first: int) -> Bools:
    """Whether each line from `first` on is unusual, by the present books."""
    session = books.control.business_date
    buyer, seller = columns.buyer[first:], columns.seller[first:]
    contract, ticks, lots = columns.contract[first:], columns.ticks[first:], columns.lots[first:]
    executed_at, is_quote = columns.executed_at[first:], columns.is_quote[first:]
    if session is None or not books.contracts or not books.numbers:
        return np.ones(len(buyer), dtype=np.bool_)
    low, high = np.array(ordinary_limits(books), dtype=np.int64).T
    stopped = np.frombuffer(books.stopped, dtype=np.bool_)
    unusual: Bools = (buyer < 0) | (seller < 0) | ((buyer == seller) & ~is_quote)
    unusual |= stopped[buyer] | stopped[seller]
    unusual |= (contract < 0) | (ticks <= low[contract]) | (ticks >= high[contract])
    unusual |= (executed_at == NEVER) | (executed_at < books.control.opened_at - LOOK_BACK_NS)
    unusual |= executed_at > day_start(session) + LOOK_AHEAD_NS
    unusual |= lots > LOTS_FAST_MAX
    sides = (buyer, seller)
    unusual |= ~is_quote & _is_large(books, sides, lots=np.where(is_quote, 0, lots), ticks=ticks)
    if is_quote.any():
        unusual |= is_quote & _is_unusual_ask(books, columns, high=high, first=first)
    return unusual


def _is_unusual_ask(books: MarketBooks, columns: Columns, *, high: IntArray, first: int) -> Bools:
    """Whether an ask is below the bid, not strictly inside the limits, or there are no limits."""
    asks, contract = columns.ask_ticks[first:], columns.contract[first:]
    is_new = np.array([entry.reference_ticks is None for entry in books.contracts.values()])
    unusual: Bools = (asks < columns.ticks[first:]) | (asks >= high[contract]) | is_new[contract]
    return unusual


def _is_large(
    books: MarketBooks, sides: tuple[IntArray, IntArray], *, lots: IntArray, ticks: IntArray
) -> Bools:
    """Whether each trade could bring an owner near a position limit, or an amount near int64."""
    owner_of = np.frombuffer(books.owner_of, dtype=np.int64)
    bounded = np.minimum(lots, LOTS_FAST_MAX)
    # A bound may be the largest int64: it is lowered, so that the sums cannot wrap.
    bounds = np.minimum(np.array(books.lots_bound, dtype=np.int64), _BOUND)
    for side in sides:
        np.add.at(bounds, owner_of[side], bounded)
    contracts = books.contracts.values()
    opened = max(magnitude_of(contract.positions.open_cents) for contract in contracts)
    dearest = max(int(ticks.max(initial=1)), *map(_highest, contracts), 1)
    if opened + max(int(bounded.sum()), int(bounds.max())) * dearest > _BOUND:
        return np.ones(len(lots), dtype=np.bool_)
    watch = min(books.limit_watch_lots, _BOUND // dearest)
    is_large: Bools = bounds > watch
    return is_large[owner_of[sides[0]]] | is_large[owner_of[sides[1]]]


def _highest(contract: ContractBooks) -> int:
    """The highest of a contract's marks, trade prices, price set by the exchange, and of all bids.

    With a reference no bid can be above the limit: it need not be looked for, now or later.
    """
    marked = max(contract.positions.mark_ticks or 0, contract.carried_ticks or 0)
    overruled = contract.overruled_ticks or 0
    _, high, _ = contract.halts.ordinary_bounds
    bid = contract.quotes.highest_bid if contract.reference_ticks is None else high
    return max(marked, contract.trades.highest, bid, overruled)
