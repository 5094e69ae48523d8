"""Guards of the market shard: each gives one reason of refusal, or None.

The callers test them in the order of precedence of WIRE §3.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from events.command import Command
from events.contracts import PRODUCT_LETTERS, Product, parse_symbol, product_of, ticks_of
from events.refusals import Reason, Refusal
from events.units import usd_text
from risk.price_limits import judge_price
from services.shards.market.books import ContractBooks, Holder, MarketBooks, tradable
from settlement.control_rules import before_sessions, time_out_of_range
from settlement.default_rules import refused_as_defaulted


def no_session(books: MarketBooks) -> Refusal | None:
    """The refusal before the first session."""
    return before_sessions(books.control)


def out_of_time(books: MarketBooks, command: Command) -> Refusal | None:
    """The refusal of a time far from the session."""
    bounds = books.control.times_in_range(anchor=books.anchor)
    return time_out_of_range(bounds, command.event_time)


def no_contract(books: MarketBooks, symbol: str, *, for_trading: bool = True) -> Refusal | None:
    """The refusal of a contract that is unknown, not listed or expired."""
    contract = books.contracts.get(symbol)
    if contract is not None:
        if for_trading and not tradable(books, contract):
            detail = f"{symbol} had its last trading day, {contract.last_trading_day}"
            return Refusal(Reason.CONTRACT_EXPIRED, detail)
        return None
    delivery = parse_symbol(symbol)
    entries = (entry for entry in books.contracts.values() if tradable(books, entry))
    listed = sorted(entries, key=lambda entry: entry.delivery)
    if delivery is None or product_of(symbol) != books.product.code:
        examples = [entry.symbol for entry in listed] or [f"{books.product.code}Z26"]
        detail = f"no contract {symbol}; symbols look like {_alike(symbol, examples)}"
        return Refusal(Reason.UNKNOWN_CONTRACT, detail)
    symbols = ", ".join(entry.symbol for entry in listed)
    if listed and delivery.text < listed[0].delivery:
        return Refusal(Reason.CONTRACT_EXPIRED, f"{symbol} has expired; listed are {symbols}")
    detail = f"{symbol} is not listed; listed are {symbols or 'none yet'}"
    return Refusal(Reason.CONTRACT_NOT_LISTED, detail)


def _alike(symbol: str, symbols: list[str]) -> str:
    """A symbol like another text: of its month if it has one, else the first."""
    month = symbol[: PRODUCT_LETTERS + 1].upper()
    return next((entry for entry in symbols if entry.startswith(month)), symbols[0])


def no_account(books: MarketBooks, *names: str) -> Refusal | None:
    """The refusal of accounts that are not open; it names the first."""
    for name in names:
        if name not in books.holders:
            return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {name}")
    return None


def suspended(*holders: Holder) -> Refusal | None:
    """The refusal of a suspended account."""
    for holder in holders:
        if holder.account.is_suspended:
            return Refusal(Reason.ACCOUNT_SUSPENDED, f"account {holder.account.name} is suspended")
    return None


def defaulted(*holders: Holder) -> Refusal | None:
    """The refusal of an account of a member in default."""
    for holder in holders:
        if holder.account.member.is_defaulted:
            return refused_as_defaulted(holder.account.member.name)
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
        f"member {member.name} is in default and may only reduce: {holder.account.name} holds "
        f"{position_lots} lots and would {'buy' if sign > 0 else 'sell'} {lots}",
    )


def reduces(position_lots: int, signed_lots: int) -> bool:
    """Whether a position comes nearer to zero without passing it."""
    return position_lots * signed_lots < 0 and abs(signed_lots) <= abs(position_lots)


def no_lots(lots: int) -> Refusal | None:
    """The refusal of lots below 1."""
    if lots < 1:
        return Refusal(Reason.LOTS_NOT_POSITIVE, f"lots {lots} is below 1")
    return None


def bad_price(product: Product, price: Decimal) -> Refusal | None:
    """The refusal of a price off the tick, then of one that is not positive."""
    if ticks_of(price, product) is None:
        return Refusal(
            Reason.PRICE_OFF_TICK, f"price {price:f} is not a whole number of ticks of 0.01"
        )
    if price <= 0:
        return Refusal(Reason.PRICE_NOT_POSITIVE, f"price {price:f} is not above 0")
    return None


def whole_ticks(product: Product, price: Decimal) -> int:
    """The ticks of a price that `bad_price` has let through."""
    ticks = ticks_of(price, product)
    assert ticks is not None, f"{price} is off the tick after the guard"
    return ticks


def outside_limits(contract: ContractBooks, price_ticks: int) -> Refusal | None:
    """The refusal of a price beyond the active limits."""
    if judge_price(contract.halts, price_ticks) != "beyond":
        return None
    assert contract.halts.limits is not None, "a price was beyond limits that are none"
    low, high = map(usd_text, contract.halts.limits)
    detail = f"price {usd_text(price_ticks)} is outside {low} to {high}, both included"
    return Refusal(Reason.PRICE_OUTSIDE_LIMIT, detail)


def first(*refusals: Refusal | None) -> Refusal | None:
    """The first refusal. All guards are evaluated: none may depend on an earlier one."""
    return next((refusal for refusal in refusals if refusal is not None), None)
