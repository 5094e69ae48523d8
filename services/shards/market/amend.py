"""Busts and price adjustments: new events that compensate a trade; nothing is edited (RULEBOOK §3).

In: the command and the trade from the journal. Out: a refusal, or the fact. A trade that no cycle
has marked drops out, a marked one is undone by the opposite trade at its price: in the columns of
`settlement.positions` both are the same subtraction.
"""

from __future__ import annotations

from events.market_commands import AdjustTradePrice, BustTrade, SubmitTrade
from events.market_facts import TradeBusted, TradePriceAdjusted
from events.refusals import Reason, Refusal
from services.shards.ids import Seen
from services.shards.market import guards as guard
from services.shards.market.amounts import repriced_too_large, too_large
from services.shards.market.books import MarketBooks, MarketEmission


def decide_amendment(
    books: MarketBooks,
    command: BustTrade | AdjustTradePrice,
    *,
    seen: Seen | None,
    emit: MarketEmission,
) -> Refusal | None:
    """Bust a trade or change its price, or give the refusal."""
    refusal = _refuse(books, command, seen=seen)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    assert seen is not None, "a trade was amended that nobody has seen"
    trade = seen.command
    assert isinstance(trade, SubmitTrade), trade
    price_ticks = _price_now(books, trade)
    if isinstance(command, BustTrade):
        emit(_busted(command, trade, price_ticks=price_ticks, seq=seen.seq))
    else:
        emit(_adjusted(books, command, trade=trade, before_ticks=price_ticks, seq=seen.seq))
    return None


def _refuse(
    books: MarketBooks, command: BustTrade | AdjustTradePrice, *, seen: Seen | None
) -> Refusal | None:
    refusal = guard.out_of_time(books, command) or guard.no_contract(
        books, command.contract, for_trading=False
    )
    if refusal is not None:
        return refusal
    if seen is None or seen.reason is not None or not isinstance(seen.command, SubmitTrade):
        return Refusal(Reason.UNKNOWN_TRADE, f"no cleared trade {command.trade_id}")
    if seen.command.contract != command.contract:
        detail = f"{command.trade_id} is a trade in {seen.command.contract}, not {command.contract}"
        return Refusal(Reason.UNKNOWN_TRADE, detail)
    amended = books.amendments.get(command.trade_id)
    if amended is not None and amended.is_busted:
        return Refusal(Reason.TRADE_ALREADY_BUSTED, f"{command.trade_id} was bust before")
    return _refuse_effect(books, command, trade=seen.command)


def _refuse_effect(
    books: MarketBooks, command: BustTrade | AdjustTradePrice, *, trade: SubmitTrade
) -> Refusal | None:
    contract = books.contracts[command.contract]
    buyer, seller = books.holders[trade.buyer], books.holders[trade.seller]
    if isinstance(command, BustTrade):
        before = _price_now(books, trade)
        return too_large(contract, trade.lots, price_ticks=before, sides=(seller, buyer))
    refusal = guard.bad_price(books.product, command.price)
    if refusal is not None:
        return refusal
    prices = (_price_now(books, trade), guard.whole_ticks(books.product, command.price))
    return repriced_too_large(
        books, contract, lots=trade.lots, prices=prices, sides=(buyer, seller)
    )


def _price_now(books: MarketBooks, trade: SubmitTrade) -> int:
    amended = books.amendments.get(trade.trade_id)
    if amended is not None:
        return amended.price_ticks
    return guard.whole_ticks(books.product, trade.price)


def _busted(command: BustTrade, trade: SubmitTrade, *, price_ticks: int, seq: int) -> TradeBusted:
    return TradeBusted(
        at=command.at,
        trade_id=trade.trade_id,
        contract=trade.contract,
        lots=trade.lots,
        buyer=trade.buyer,
        seller=trade.seller,
        price_ticks=price_ticks,
        reason=command.reason,
        trade_seq=seq,
    )


def _adjusted(
    books: MarketBooks,
    command: AdjustTradePrice,
    *,
    trade: SubmitTrade,
    before_ticks: int,
    seq: int,
) -> TradePriceAdjusted:
    ticks = guard.whole_ticks(books.product, command.price)
    return TradePriceAdjusted(
        at=command.at,
        trade_id=trade.trade_id,
        contract=trade.contract,
        lots=trade.lots,
        buyer=trade.buyer,
        seller=trade.seller,
        price_ticks=ticks,
        price_ticks_before=before_ticks,
        reason=command.reason,
        trade_seq=seq,
    )
