"""Novation: an executed trade becomes two trades with the clearinghouse (RULEBOOK §3, §6).

In: a trade and the first command under its id. Out: a refusal, or facts: resumption, novation,
halt, limits. Every trade can be decided here; `trade_batch` is the fast twin for ordinary ones.
"""

from __future__ import annotations

from events.market_commands import SubmitTrade
from events.market_facts import TradeAlreadyCleared, TradeNovated
from events.refusals import Reason, Refusal
from events.units import format_instant
from risk.price_limits import is_halted, resumes_before_trade, trigger
from services.shards.ids import Seen, is_same, refused_again
from services.shards.market import guards as guard
from services.shards.market.amounts import too_large, unbearable
from services.shards.market.books import ContractBooks, MarketBooks, MarketEmission
from services.shards.market.position_limits import state_crossings


def decide_trade(
    books: MarketBooks, trade: SubmitTrade, *, seen: Seen | None, emit: MarketEmission
) -> Refusal | None:
    """Clear a trade, or give the refusal."""
    refusal = guard.no_session(books)
    if refusal is not None:
        return refusal
    if seen is not None:
        return _answer_again(trade, seen, emit=emit)
    refusal = refuse_trade(books, trade)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    novate_trade(books, trade, emit=emit)
    return None


def refuse_trade(books: MarketBooks, trade: SubmitTrade) -> Refusal | None:
    """The first reason against a new trade, in the order of WIRE §3."""
    refusal = (
        guard.out_of_time(books, trade)
        or guard.no_contract(books, trade.contract)
        or guard.no_account(books, trade.buyer, trade.seller)
    )
    if refusal is not None:
        return refusal
    contract = books.contracts[trade.contract]
    buyer, seller = books.holders[trade.buyer], books.holders[trade.seller]
    return (
        guard.suspended(buyer, seller)
        or guard.not_reducing(contract, buyer, lots=trade.lots, sign=1)
        or guard.not_reducing(contract, seller, lots=trade.lots, sign=-1)
        or _self_trade(trade)
        or guard.no_lots(trade.lots)
        or guard.bad_price(books.product, trade.price)
        or _refuse_price(
            contract, guard.whole_ticks(books.product, trade.price), executed_at=trade.executed_at
        )
        or _refuse_amount(books, contract, trade=trade)
    )


def _refuse_amount(
    books: MarketBooks, contract: ContractBooks, *, trade: SubmitTrade
) -> Refusal | None:
    ticks = guard.whole_ticks(books.product, trade.price)
    sides = (books.holders[trade.buyer], books.holders[trade.seller])
    refusal = too_large(contract, trade.lots, price_ticks=ticks, sides=sides)
    if refusal is None and contract.reference_ticks is None:
        return unbearable(books, contract, price_ticks=ticks)
    return refusal


def _answer_again(trade: SubmitTrade, seen: Seen, *, emit: MarketEmission) -> Refusal | None:
    if not is_same(seen, trade):
        return id_taken(trade, seen)
    if seen.reason is not None:
        return refused_again(trade, seen)
    emit(TradeAlreadyCleared(at=trade.executed_at, trade_id=trade.trade_id))
    return None


def id_taken(trade: SubmitTrade, seen: Seen) -> Refusal:
    """The refusal of a trade whose id an earlier one has."""
    detail = f"{trade.trade_id} is taken by another trade, in row {seen.seq}"
    return Refusal(Reason.TRADE_ID_CONFLICT, detail)


def _self_trade(trade: SubmitTrade) -> Refusal | None:
    if trade.buyer == trade.seller:
        return Refusal(Reason.SELF_TRADE, f"{trade.buyer} is both buyer and seller")
    return None


def _refuse_price(contract: ContractBooks, price_ticks: int, *, executed_at: int) -> Refusal | None:
    if is_halted(contract.halts, executed_at):
        detail = f"{contract.symbol} was halted at {format_instant(executed_at)}"
        return Refusal(Reason.CONTRACT_HALTED, detail)
    return guard.outside_limits(contract, price_ticks)


def novate_trade(books: MarketBooks, trade: SubmitTrade, *, emit: MarketEmission) -> None:
    """Clear a trade that no guard refuses, with what it causes."""
    contract = books.contracts[trade.contract]
    buyer, seller = books.holders[trade.buyer], books.holders[trade.seller]
    ticks, session = guard.whole_ticks(books.product, trade.price), books.control.business_date
    assert session is not None, "a trade was accepted without a session"
    for resumed in resumes_before_trade(contract.halts, trade.executed_at):
        emit(resumed)
    halted = trigger(contract.halts, ticks, executed_at=trade.executed_at)
    emit(
        TradeNovated(
            at=trade.executed_at,
            trade_id=trade.trade_id,
            contract=trade.contract,
            price_ticks=ticks,
            lots=trade.lots,
            buyer=trade.buyer,
            seller=trade.seller,
            business_date=session,
        )
    )
    if halted is not None:
        emit(halted)
    state_crossings(
        books, contract, sides=(buyer, seller), lots=trade.lots, at=trade.executed_at, emit=emit
    )
