"""Transfers, quotes, halts and settlement prices by command (RULEBOOK §3, §4, §6).

In: the command, and for a transfer the first command under its id. Out: a refusal, or the fact.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from events.contracts import ticks_of
from events.market_commands import (
    HaltContract,
    SetSettlementPrice,
    SubmitQuote,
    TransferPosition,
)
from events.market_facts import PositionTransferred, QuoteSet, SettlementPriceOverruled
from events.refusals import Reason, Refusal
from events.units import format_instant, usd_text
from risk.price_limits import command_halt
from services.shards.ids import Seen, answer_repeat
from services.shards.market import guards as guard
from services.shards.market.amounts import too_large, unbearable
from services.shards.market.books import (
    ContractBooks,
    Holder,
    MarketBooks,
    MarketEmission,
    is_expiring,
)
from services.shards.market.position_limits import state_crossings
from settlement.index.price_hold import is_within

# A price set by the exchange may not lie further from the market's last one (RULEBOOK §4).
OVERRULE_TIMES: Final = 100


def decide_transfer(
    books: MarketBooks,
    command: TransferPosition,
    *,
    seen: Seen | None,
    emit: MarketEmission,
) -> Refusal | None:
    """Move lots at a stated price, or give the refusal."""
    refusal = guard.no_session(books) or guard.out_of_time(books, command)
    if refusal is not None:
        return refusal
    if seen is not None:
        return answer_repeat(command, seen)
    refusal = _refuse_transfer(books, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    contract = books.contracts[command.contract]
    ticks = guard.whole_ticks(books.product, command.price)
    emit(
        PositionTransferred(
            at=command.at,
            transfer=command.transfer,
            contract=command.contract,
            lots=command.lots,
            from_account=command.from_account,
            to_account=command.to_account,
            side=command.side,
            price_ticks=ticks,
        )
    )
    sides = _sides(books, command)
    state_crossings(books, contract, sides=sides, lots=command.lots, at=command.at, emit=emit)
    return None


def _sides(books: MarketBooks, command: TransferPosition) -> tuple[Holder, Holder]:
    giver, taker = books.holders[command.from_account], books.holders[command.to_account]
    return (taker, giver) if command.side == "long" else (giver, taker)


def _refuse_transfer(books: MarketBooks, command: TransferPosition) -> Refusal | None:
    refusal = guard.no_account(books, command.from_account, command.to_account)
    if refusal is not None:
        return refusal
    giver, taker = books.holders[command.from_account], books.holders[command.to_account]
    refusal = (
        guard.suspended(taker)
        or guard.no_contract(books, command.contract)
        or guard.no_lots(command.lots)
    )
    if refusal is not None:
        return refusal
    contract = books.contracts[command.contract]
    return (
        _too_small(contract, giver, command=command)
        or _to_itself(command)
        or guard.bad_price(books.product, command.price)
        or _price_beyond(books, contract, price=command.price)
        or _too_large(books, contract, command=command)
    )


def _too_small(
    contract: ContractBooks, giver: Holder, *, command: TransferPosition
) -> Refusal | None:
    position_lots = contract.positions.lots[giver.number]
    available = position_lots if command.side == "long" else -position_lots
    if available < command.lots:
        detail = (
            f"{giver.account.name} holds {position_lots} lots of {contract.symbol}, "
            f"not {command.lots} {command.side}"
        )
        return Refusal(Reason.POSITION_TOO_SMALL, detail)
    return None


def _to_itself(command: TransferPosition) -> Refusal | None:
    if command.from_account == command.to_account:
        return Refusal(Reason.SELF_TRADE, f"{command.from_account} would give to itself")
    return None


def _price_beyond(books: MarketBooks, contract: ContractBooks, *, price: Decimal) -> Refusal | None:
    ticks = ticks_of(price, books.product)
    return None if ticks is None else guard.outside_limits(contract, ticks)


def _too_large(
    books: MarketBooks, contract: ContractBooks, *, command: TransferPosition
) -> Refusal | None:
    ticks = guard.whole_ticks(books.product, command.price)
    return too_large(contract, command.lots, price_ticks=ticks, sides=_sides(books, command))


def decide_quote(
    books: MarketBooks, command: SubmitQuote, *, emit: MarketEmission
) -> Refusal | None:
    """Replace a maker's quote, or give the refusal."""
    refusal = (
        guard.no_session(books)
        or guard.out_of_time(books, command)
        or guard.no_account(books, command.maker)
    )
    if refusal is not None:
        return refusal
    maker = books.holders[command.maker]
    refusal = (
        guard.suspended(maker)
        or guard.defaulted(maker)
        or guard.no_contract(books, command.contract)
        or _refuse_sides(books, command)
    )
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    emit(
        QuoteSet(
            at=command.at,
            maker=command.maker,
            contract=command.contract,
            bid_ticks=_ticks_or_none(books, command.bid),
            bid_lots=command.bid_lots,
            ask_ticks=_ticks_or_none(books, command.ask),
            ask_lots=command.ask_lots,
        )
    )
    return None


def _refuse_sides(books: MarketBooks, command: SubmitQuote) -> Refusal | None:
    contract = books.contracts[command.contract]
    sides = (command.bid, command.ask)
    prices = [price for price in sides if price is not None]
    sizes = [lots for lots in (command.bid_lots, command.ask_lots) if lots is not None]
    refusal = guard.first(
        *(guard.no_lots(lots) for lots in sizes),
        *_in_order([guard.bad_price(books.product, price) for price in prices]),
        *(_price_beyond(books, contract, price=price) for price in prices),
    )
    if refusal is not None:
        return refusal
    if command.bid is not None and command.ask is not None and command.bid > command.ask:
        detail = f"bid {command.bid:f} is above ask {command.ask:f}"
        return Refusal(Reason.QUOTE_CROSSED, detail)
    bid = _ticks_or_none(books, command.bid)
    if bid is not None and contract.reference_ticks is None:
        return unbearable(books, contract, price_ticks=bid)
    return None


def _in_order(refusals: list[Refusal | None]) -> list[Refusal | None]:
    """The refusals of both sides by precedence: off the tick, then not positive."""
    present = [refusal for refusal in refusals if refusal is not None]
    return [*sorted(present, key=lambda refusal: refusal.reason is not Reason.PRICE_OFF_TICK)]


def _ticks_or_none(books: MarketBooks, price: Decimal | None) -> int | None:
    return None if price is None else ticks_of(price, books.product)


def decide_halt(
    books: MarketBooks, command: HaltContract, *, emit: MarketEmission
) -> Refusal | None:
    """Halt a contract by command of the exchange, or give the refusal."""
    refusal = (
        guard.no_session(books)
        or guard.out_of_time(books, command)
        or guard.no_contract(books, command.contract)
    )
    if refusal is not None:
        return refusal
    if command.until is not None and command.until <= command.at:
        begin, end = format_instant(command.at), format_instant(command.until)
        return Refusal(Reason.INVALID_VALUE, f"until {end} is not after at {begin}")
    # Nothing can fail from here.
    halts = books.contracts[command.contract].halts
    emit(command_halt(halts, until=command.until, at=command.at, reason=command.reason))
    return None


def decide_settlement_price(
    books: MarketBooks, command: SetSettlementPrice, *, emit: MarketEmission
) -> Refusal | None:
    """Set a contract's settlement price of the coming close, or give the refusal (§4, tier 0)."""
    refusal = (
        guard.no_session(books)
        or guard.out_of_time(books, command)
        or guard.no_contract(books, command.contract)
        or guard.bad_price(books.product, command.price)
    )
    if refusal is not None:
        return refusal
    contract = books.contracts[command.contract]
    ticks = guard.whole_ticks(books.product, command.price)
    refusal = (
        _far_from_market(contract, ticks)
        or _settled_by_index(books, contract)
        or unbearable(books, contract, price_ticks=ticks)
    )
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    emit(
        SettlementPriceOverruled(
            at=command.at, contract=contract.symbol, price_ticks=ticks, reason=command.reason
        )
    )
    return None


def _far_from_market(contract: ContractBooks, price_ticks: int) -> Refusal | None:
    """The refusal of a price beyond ×100 of the last one that the exchange did not set."""
    last = contract.market_ticks
    if last is None or is_within(Fraction(price_ticks), Fraction(last), times=OVERRULE_TIMES):
        return None
    price, market = usd_text(price_ticks), usd_text(last)
    detail = f"price {price} is more than {OVERRULE_TIMES} times {market} away, either way"
    return Refusal(Reason.PRICE_OUTSIDE_LIMIT, detail)


def _settled_by_index(books: MarketBooks, contract: ContractBooks) -> Refusal | None:
    """The refusal for a contract whose final settlement price is the fixing of this close."""
    session = books.control.business_date
    assert session is not None, "a price was set without a session"
    if books.index.value_micros is None or not is_expiring(contract, session):
        return None
    detail = f"{contract.symbol} expires with this close and is settled by the index"
    return Refusal(Reason.INVALID_VALUE, detail)
