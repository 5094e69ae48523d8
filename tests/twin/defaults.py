"""Steps of a default: groups, porting, auctions, orders to settle (RULEBOOK 7)."""

from __future__ import annotations

from tests.twin.books import Contract, House, Market, Takeover
from tests.twin.cycles import variation
from tests.twin.positions import position, price_limits, watch_limits
from tests.twin.trading import extraordinary
from tests.twin.treasury import add_cash, look_at_call
from tests.twin.words import SILENT, Command, fits

SHARD = "member/0"


def refuse_step(house: House, command: Command) -> str | None:
    """Give the first reason against a step, in WIRE's order; SILENT when it changes nothing."""
    kind = command["type"]
    if kind == "port_account/1":
        return refuse_porting(house, command)
    if kind == "auction_account/1":
        return refuse_auction(house, command)
    member = command["member"]
    ordered = house.settlements.get(member) if kind == "settle_default/1" else None
    if ordered is not None:
        return SILENT if ordered == command else "already_exists"
    if member not in house.members:
        return "unknown_member"
    if kind == "affiliate_member/1":
        return SILENT if house.members[member].group == command["group"] else None
    return None if house.members[member].is_defaulted else "not_defaulted"


def refuse_porting(house: House, command: Command) -> str | None:
    """Tell why an account cannot go over to another member."""
    name, taker = command["account"], command["to_member"]
    if taker not in house.members:
        return "unknown_member"
    if name not in house.accounts:
        return "unknown_account"
    if house.members[taker].is_defaulted:
        return "member_defaulted"
    if house.accounts[name].member == taker:
        return "self_trade"
    return None if house.accounts[name].origin == "customer" else "not_customer"


def refuse_auction(house: House, command: Command) -> str | None:
    """Tell why an account's positions cannot go over to another account."""
    giver, taker = command["account"], command["to_account"]
    if not {giver, taker} <= house.accounts.keys():
        return "unknown_account"
    if house.accounts[taker].is_suspended:
        return "account_suspended"
    if house.is_defaulted(taker):
        return "member_defaulted"
    if giver == taker:
        return "self_trade"
    return None if house.is_defaulted(giver) else "not_defaulted"


def book_step(house: House, command: Command) -> None:
    """Change what members, accounts and orders are."""
    kind = command["type"]
    if kind == "affiliate_member/1":
        house.members[command["member"]].group = command["group"]
    elif kind == "port_account/1":
        house.accounts[command["account"]].member = command["to_member"]
    elif kind == "settle_default/1":
        house.settlements[command["member"]] = command


def follow_step(house: House, command: Command) -> None:
    """Let markets and members do their part of a step that stands."""
    kind = command["type"]
    if kind == "auction_account/1":
        for product in sorted(house.markets):
            for contract in house.markets[product].live():
                take_over(house, house.markets[product], contract, command)
        pay(house, command)
    elif kind == "settle_default/1":
        order(house, command)


def take_over(house: House, market: Market, contract: Contract, command: Command) -> None:
    """Move an auctioned position with what was paid for it and not marked; too large, it stays."""
    giver, taker = command["account"], command["to_account"]
    lots = position(contract, giver)
    if not lots:
        return
    stated = {
        "reference": command["reference"], "contract": contract.symbol, "lots": lots,
        "from_account": giver, "to_account": taker,
    }  # fmt: skip
    cents = unpaid(contract, giver)
    if is_too_much(house, contract, taker, (lots, cents)):
        reason = "amount_overflow"
        house.state("takeover_refused/1", market.shard, command["at"], **stated, reason=reason)
        return
    contract.takeovers.append(Takeover(lots, taker, giver, cents))
    house.state("position_taken_over/1", market.shard, command["at"], **stated)
    sides = (taker, giver) if lots > 0 else (giver, taker)
    watch_limits(house, market, contract, (*sides, abs(lots)), command["at"])


def unpaid(contract: Contract, account: str) -> int:
    """Give what an account paid for its lots by mark or trade: what it gets at a price of zero."""
    return -variation(contract, 0).get(account, 0)


def is_too_much(house: House, contract: Contract, taker: str, more: tuple[int, int]) -> bool:
    """Tell whether lots and cents more are beyond an int64 at the highest price that may mark."""
    lots = position(contract, taker) + more[0]
    cents = unpaid(contract, taker) + more[1]
    mark, limits = contract.mark or 0, price_limits(contract)
    today = [trade.price for trade in contract.trades if trade.session == house.session()]
    highest = limits[1] if limits is not None else 0
    dearest = max(mark, highest, *today, extraordinary(house, contract), 1)
    opened = cents - lots * mark
    return not all(map(fits, (abs(lots) * dearest, opened, lots * dearest - cents)))


def pay(house: House, command: Command) -> None:
    """Pay for an auctioned account, either way; then look at the calls of both."""
    giver, taker, cents = command["account"], command["to_account"], command["payment_cents"]
    cash, at = house.treasury.cash, command["at"]
    if cents == 0:
        return
    if not (fits(cash.get(giver, 0) - cents) and fits(cash.get(taker, 0) + cents)):
        told = {name: value for name, value in command.items() if name not in ("type", "at")}
        reason = "amount_overflow"
        house.state("auction_payment_refused/1", SHARD, at, **told, reason=reason)
        return
    add_cash(house, giver, -cents)
    add_cash(house, taker, cents)
    payer, payee = (giver, taker) if cents > 0 else (taker, giver)
    why = ("account_auctioned/1", command["reference"], at)
    house.post((f"cash:{payer}", f"cash:{payee}"), abs(cents), why)
    for account in (giver, taker):
        look_at_call(house, account, house.treasury.clock, at)


def order(house: House, command: Command) -> None:
    """Keep the order until the default can be settled; another one is refused meanwhile."""
    member = command["member"]
    if house.treasury.settlements.setdefault(member, command) == command:
        return
    house.state(
        "command_refused/1", SHARD, command["at"], command_type=command["type"],
        reference=member, reason="already_exists", detail="ordered and not settled",
    )  # fmt: skip
