"""Guards of the market shard: one small question each, answered with a refusal or None.

The order in which they are asked is the order of precedence of WIRE §3; it stands in the callers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from events.command import Command
from events.contracts import Product, parse_symbol, product_of, ticks_of
from events.refusals import Reason, Refusal
from risk.price_limits import judge_price
from services.shards.market.books import ContractBooks, Holder, MarketBooks, tradable


def no_session(books: MarketBooks) -> Refusal | None:
    """Before the first session nothing trades."""
    if books.control.business_date is None:
        return Refusal(Reason.SESSION_CLOSED, "expected an open session, found none yet")
    return None


def out_of_time(books: MarketBooks, command: Command) -> Refusal | None:
    """A time far from the session."""
    if books.control.is_time_in_range(command.event_time):
        return None
    return Refusal(
        Reason.TIME_OUT_OF_RANGE,
        f"expected a time near the session of {books.control.business_date}, found another",
    )


def no_contract(books: MarketBooks, symbol: str, *, for_trading: bool = True) -> Refusal | None:
    """Unknown, not listed, or expired."""
    contract = books.contracts.get(symbol)
    if contract is not None:
        if for_trading and not tradable(books, contract):
            return Refusal(Reason.CONTRACT_EXPIRED, f"{symbol} has had its last trading day")
        return None
    delivery = parse_symbol(symbol)
    if delivery is None or product_of(symbol) != books.product.code:
        return Refusal(Reason.UNKNOWN_CONTRACT, f"expected a contract, found {symbol}")
    listed = [one.delivery for one in books.contracts.values() if tradable(books, one)]
    if listed and delivery.text < min(listed):
        return Refusal(Reason.CONTRACT_EXPIRED, f"{symbol} lies before the listed months")
    return Refusal(Reason.CONTRACT_NOT_LISTED, f"{symbol} is not listed")


def no_account(books: MarketBooks, *names: str) -> Refusal | None:
    """An account nobody has opened; the first one is named."""
    for name in names:
        if name not in books.holders:
            return Refusal(Reason.UNKNOWN_ACCOUNT, f"expected an account, found {name}")
    return None


def suspended(*holders: Holder) -> Refusal | None:
    """A suspended account."""
    for holder in holders:
        if holder.account.is_suspended:
            return Refusal(Reason.ACCOUNT_SUSPENDED, f"{holder.account.name} is suspended")
    return None


def defaulted(*holders: Holder) -> Refusal | None:
    """An account of a member in default."""
    for holder in holders:
        if holder.account.member.is_defaulted:
            name = holder.account.member.name
            return Refusal(Reason.MEMBER_DEFAULTED, f"{name} is in default")
    return None


def not_reducing(
    contract: ContractBooks, holder: Holder, *, lots: int, sign: Literal[1, -1]
) -> Refusal | None:
    """In default only what reduces a position without turning it (RULEBOOK §7). sign: 1 buys."""
    held = contract.positions.lots[holder.number]
    if not holder.account.member.is_defaulted or (lots > 0 and reduces(held, sign * lots)):
        return None
    return Refusal(
        Reason.MEMBER_DEFAULTED,
        f"{holder.account.member.name} is in default; {holder.account.name} holds {held} lots",
    )


def reduces(held: int, signed_lots: int) -> bool:
    """Whether a position comes nearer to zero without passing it."""
    return held * signed_lots < 0 and abs(signed_lots) <= abs(held)


def no_lots(lots: int) -> Refusal | None:
    """A trade of nothing, or less."""
    if lots < 1:
        return Refusal(Reason.LOTS_NOT_POSITIVE, f"expected at least one lot, found {lots}")
    return None


def bad_price(product: Product, price: Decimal) -> Refusal | None:
    """Off the tick, then not positive."""
    if ticks_of(price, product) is None:
        return Refusal(Reason.PRICE_OFF_TICK, f"expected whole ticks of 0.01, found {price:f}")
    if price <= 0:
        return Refusal(Reason.PRICE_NOT_POSITIVE, f"expected a price above 0, found {price:f}")
    return None


def outside_limits(contract: ContractBooks, price_ticks: int) -> Refusal | None:
    """A price beyond the active limits."""
    if judge_price(contract.halts, price_ticks) != "beyond":
        return None
    found = f"expected a price within {contract.halts.limits} ticks, found {price_ticks}"
    return Refusal(Reason.PRICE_OUTSIDE_LIMIT, found)


def first(*refusals: Refusal | None) -> Refusal | None:
    """The first that holds. Only for guards that can all be asked without harm."""
    return next((one for one in refusals if one is not None), None)
