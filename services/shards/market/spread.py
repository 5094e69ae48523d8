"""The legs of a spread that one market clears: judged as trades, cleared only with the further leg.

In: the copy of a spread and the first commands under its legs' ids; to decide, the votes of all
markets that have legs. Out: a vote; novations with all that a trade may cause, or a refusal from
the market of the first leg that fails.

Legs are judged on the books before any of them. Their contracts differ, and no guard of a trade
reads another contract's positions, so that what each may do alone both may do together; the sums
over contracts are Python's integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from events.contracts import PRODUCTS, product_of
from events.market_commands import SubmitTrade
from events.refusals import Refusal
from events.spread_commands import SubmitSpread
from events.spread_facts import ClearedLeg, SpreadCleared
from services.shards.ids import Identity, Seen
from services.shards.market import guards as guard
from services.shards.market.books import MarketBooks
from services.shards.market.trade import id_taken, refuse_trade


def judge_legs(
    books: MarketBooks,
    legs: Mapping[Identity, SubmitTrade],
    *,
    find: Callable[[Identity], Seen | None],
) -> Refusal | None:
    """The vote of a market: the first reason against its legs, in their order."""
    for identity, leg in legs.items():
        seen = find(identity)
        refusal = refuse_trade(books, leg) if seen is None else id_taken(leg, seen)
        if refusal is not None:
            return Refusal(refusal.reason, f"leg {leg.contract}: {refusal.detail}")
    return None


def cleared_spread(books: MarketBooks, spread: SubmitSpread) -> SpreadCleared:
    """The fact that both legs are novated."""
    session = books.control.business_date
    assert session is not None, "a spread was accepted without a session"
    legs = [
        ClearedLeg(
            trade_id=leg.trade_id,
            contract=leg.contract,
            price_ticks=guard.whole_ticks(PRODUCTS[product_of(leg.contract)], leg.price),
            lots=leg.lots,
        )
        for leg in spread.legs
    ]
    return SpreadCleared(
        at=spread.executed_at,
        reference=spread.reference,
        legs=tuple(legs),
        buyer=spread.buyer,
        seller=spread.seller,
        business_date=session,
    )
