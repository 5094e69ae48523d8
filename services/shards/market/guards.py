"""Guards of the market shard: each gives one reason of refusal, or None.

The callers test them in the order of precedence of WIRE §3.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from events.command import Command
from events.contracts import Product, parse_symbol, product_of, ticks_of
from events.refusals import Reason, Refusal
from risk.price_limits import judge_price
from services.shards.market.books import ContractBooks, Holder, MarketBooks, tradable
from settlement.control_rules import time_out_of_range


def no_session(books: MarketBooks) -> Refusal | None:
    """The refusal before the first session."""
    if books.control.business_date is None:
        return Refusal(Reason.SESSION_CLOSED, "expected an open session, found none yet")
    return None


def out_of_time(books: MarketBooks, command: Command) -> Refusal | None:
    """The refusal of a time far from the session."""
    control = books.control
    if control.is_time_in_range(command.event_time, anchor=books.anchor):
        return None
    return time_out_of_range(control, command.event_time)


def no_contract(books: MarketBooks, symbol: str, *, for_trading: bool = True) -> Refusal | None:
    """The refusal of a contract that is unknown, not listed or expired."""
    contract = books.contracts.get(symbol)
    if contract is not None:
        if for_trading and not tradable(books, contract):
            return Refusal(Reason.CONTRACT_EXPIRED, f"{symbol} has had its last trading day")
        return None
    delivery = parse_symbol(symbol)
    if delivery is None or product_of(symbol) != books.product.code:
        return Refusal(Reason.UNKNOWN_CONTRACT, f"expected a contract, found {symbol}")
    deliveries = [entry.delivery for entry in books.contracts.values() if tradable(books, entry)]
    if deliveries and delivery.text < min(deliveries):
        return Refusal(Reason.CONTRACT_EXPIRED, f"{symbol} lies before the listed months")
    return Refusal(Reason.CONTRACT_NOT_LISTED, f"{symbol} is not listed")


def no_account(books: MarketBooks, *names: str) -> Refusal | None:
    """The refusal of accounts that are not open; it names the first."""
    for name in names:
        if name not in books.holders:
            return Refusal(Reason.UNKNOWN_ACCOUNT, f"expected an account, found {name}")
    return None


def suspended(*holders: Holder) -> Refusal | None:
    """The refusal of a suspended account."""
    for holder in holders:
        if holder.account.is_suspended:
            return Refusal(Reason.ACCOUNT_SUSPENDED, f"{holder.account.name} is suspended")
    return None


def defaulted(*holders: Holder) -> Refusal | None:
    """The refusal of an account of a member in default."""
    for holder in holders:
        if holder.account.member.is_defaulted:
            name = holder.account.member.name
            return Refusal(Reason.MEMBER_DEFAULTED, f"{name} is in default")
    return None


def not_reducing(
    contract: ContractBooks, holder: Holder, *, lots: int, sign: Literal[1, -1]
) -> Refusal | None:
    """The refusal of a defaulted member's trade that does not reduce a position (RULEBOOK §7).

    sign: 1 for the buyer, −1 for the seller.
    """
    position_lots = contract.positions.lots[holder.number]
    member = holder.account.member
    if not member.is_defaulted or (lots > 0 and reduces(position_lots, sign * lots)):
        return None
    return Refusal(
        Reason.MEMBER_DEFAULTED,
        f"{member.name} is in default; {holder.account.name} holds {position_lots} lots",
    )


def reduces(position_lots: int, signed_lots: int) -> bool:
    """Whether a position comes nearer to zero without passing it."""
    return position_lots * signed_lots < 0 and abs(signed_lots) <= abs(position_lots)


def no_lots(lots: int) -> Refusal | None:
    """The refusal of lots below 1."""
    if lots < 1:
        return Refusal(Reason.LOTS_NOT_POSITIVE, f"expected at least one lot, found {lots}")
    return None


def bad_price(product: Product, price: Decimal) -> Refusal | None:
    """The refusal of a price off the tick, then of one that is not positive."""
    if ticks_of(price, product) is None:
        return Refusal(Reason.PRICE_OFF_TICK, f"expected whole ticks of 0.01, found {price:f}")
    if price <= 0:
        return Refusal(Reason.PRICE_NOT_POSITIVE, f"expected a price above 0, found {price:f}")
    return None


def outside_limits(contract: ContractBooks, price_ticks: int) -> Refusal | None:
    """The refusal of a price beyond the active limits."""
    if judge_price(contract.halts, price_ticks) != "beyond":
        return None
    detail = f"expected a price within {contract.halts.limits} ticks, found {price_ticks}"
    return Refusal(Reason.PRICE_OUTSIDE_LIMIT, detail)


def first(*refusals: Refusal | None) -> Refusal | None:
    """The first refusal. All guards are evaluated: none may depend on an earlier one."""
    return next((refusal for refusal in refusals if refusal is not None), None)
