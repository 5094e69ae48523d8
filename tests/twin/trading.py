"""Trades, busts, adjustments, transfers, quotes and halts (RULEBOOK 3 and 6, WIRE 3)."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.books import Contract, Halt, House, MakerQuote, Market, Quote, Trade, Transfer
from tests.twin.instants import month_of
from tests.twin.positions import (
    is_halted,
    is_outside_limits,
    position,
    positions,
    resume,
    state_halt,
    trigger,
    watch_limits,
)
from tests.twin.words import Command, fits


def refuse_contract(house: House, market: Market, symbol: str) -> str | None:
    """Tell why a contract cannot be dealt in: unknown, not listed, expired (WIRE 3)."""
    month = month_of(symbol)
    if month is None:
        return "unknown_contract"
    listed = [found for found in market.live() if found.last_day >= house.session()]
    if symbol in [found.symbol for found in listed]:
        return None
    if listed and month < listed[0].month:
        return "contract_expired"
    return "contract_not_listed"


def refuse_correction_contract(house: House, market: Market, symbol: str) -> str | None:
    """Tell the same for a bust or an adjustment: possible until final settlement."""
    if symbol in market.contracts and not market.contracts[symbol].is_settled:
        return None
    if house.business_date is None:
        return "unknown_contract" if month_of(symbol) is None else "contract_not_listed"
    return refuse_contract(house, market, symbol)


def refuse_price(contract: Contract, price: Fraction, *, is_limited: bool = True) -> str | None:
    """Tell why a price is wrong: off tick, not positive, outside the active limits."""
    if (price * 100).denominator != 1:
        return "price_off_tick"
    if price <= 0:
        return "price_not_positive"
    if is_limited and is_outside_limits(contract, int(price * 100)):
        return "price_outside_limit"
    return None


def submit_trade(house: House, market: Market, command: Command) -> str | None:
    """Novate a trade, or give the reason why not; repeats get the same answer again."""
    if house.business_date is None:
        return "session_closed"
    name = command["trade_id"]
    if name in market.trade_memory:
        known, answer = market.trade_memory[name]
        if known != command:
            return "trade_id_conflict"
        if answer is None:
            at = command["executed_at"]
            house.state("trade_already_cleared/1", market.shard, at, trade_id=name)
        return answer
    reason = refuse_trade(house, market, command)
    market.trade_memory[name] = (command, reason)
    if reason is None:
        novate(house, market, command)
    return reason


def refuse_trade(house: House, market: Market, command: Command) -> str | None:
    """Give the first reason against a new trade, in WIRE's order of precedence."""
    at, lots = command["executed_at"], command["lots"]
    sides = (command["buyer"], command["seller"])
    if not house.is_in_range(at):
        return "time_out_of_range"
    reason = refuse_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    contract = market.contracts[command["contract"]]
    if any(account not in house.accounts for account in sides):
        return "unknown_account"
    if any(house.accounts[account].is_suspended for account in sides):
        return "account_suspended"
    for account, change in zip(sides, (lots, -lots), strict=True):
        reduces = lots > 0 and is_reducing(contract, account, change)
        if house.is_defaulted(account) and not reduces:
            return "member_defaulted"
    if sides[0] == sides[1]:
        return "self_trade"
    if lots < 1:
        return "lots_not_positive"
    reason = refuse_price(contract, command["price"], is_limited=False)
    if reason is not None:
        return reason
    if is_halted(contract, at):
        return "contract_halted"
    price = int(command["price"] * 100)
    if is_outside_limits(contract, price):
        return "price_outside_limit"
    changes = {sides[0]: lots, sides[1]: -lots}
    is_too_large = exceeds_int64(house, contract, (lots, price), changes) or (
        contract.reference is None and is_unbearable(market, contract, price)
    )
    return "amount_overflow" if is_too_large else None


def exceeds_int64(
    house: House, contract: Contract, deal: tuple[int, int], changes: dict[str, int]
) -> bool:
    """Tell whether a deal, or what a position it enlarges is worth at its price, exceeds an int64.

    A position that stays as large as it was is looked at too: its trade has another price.
    deal: lots and price in ticks. changes: signed lots by account.
    """
    lots, price = deal
    before = {name: position(contract, name) for name in changes}
    after = {name: before[name] + change for name, change in changes.items()}
    dearest = max(price, extraordinary(house, contract))
    worth = [
        after[name] * (dearest if change else price)
        for name, change in changes.items()
        if not change or abs(after[name]) > abs(before[name])
    ]
    return not (fits(lots * price) and all(map(fits, worth)))


def extraordinary(house: House, contract: Contract) -> int:
    """Give the highest price that may mark beyond the second limit; without limits, of all."""
    today = [one.price for one in contract.trades if one.session == house.session()]
    today.append(contract.set_price or 0)
    highest = max(today, default=0)
    if contract.reference is None:
        highest = max(highest, contract.carried or 0)
        return max([highest, *(one.bid or 0 for one in contract.quotes.values())])
    return highest if highest > contract.reference + max(1, contract.reference // 4) else 0


def is_unbearable(market: Market, contract: Contract, price: int) -> bool:
    """Tell whether somebody's position, marked to a price without limits, exceeds an int64."""
    marks = [(contract, price)]
    if contract.reference is not None:
        change = price - contract.reference
        marks += [
            (one, max(1, one.reference + change))
            for one in market.contracts.values()
            if one is not contract and one.reference is not None
        ]
    return not all(fits(lots * at) for one, at in marks for lots in positions(one).values())


def is_reducing(contract: Contract, account: str, change: int) -> bool:
    """Tell whether a change reduces a position without turning it (RULEBOOK 7)."""
    held = position(contract, account)
    return (held < 0 < change <= -held) or (held > 0 > change >= -held)


def novate(house: House, market: Market, command: Command) -> None:
    """Clear a trade: it stands, may halt its contract, may cross position limits."""
    contract, at = market.contracts[command["contract"]], command["executed_at"]
    resume(house, market, contract, at)
    price, session = int(command["price"] * 100), house.session()
    buyer, seller, lots = command["buyer"], command["seller"], command["lots"]
    name = command["trade_id"]
    contract.trades.append(Trade(name, lots, buyer, seller, price, at, session))
    house.state(
        "trade_novated/1", market.shard, at, trade_id=name, contract=contract.symbol,
        price_ticks=price, lots=lots, buyer=buyer, seller=seller,
        business_date=session.isoformat(),
    )  # fmt: skip
    trigger(house, market, contract, at, price)
    watch_limits(house, market, contract, (buyer, seller, lots), at)


def correct_trade(house: House, market: Market, command: Command) -> str | None:
    """Bust a trade or adjust its price, or give the reason why not (RULEBOOK 3)."""
    if not house.is_in_range(command["at"]):
        return "time_out_of_range"
    reason = refuse_correction_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    contract = market.contracts[command["contract"]]
    named = [found for found in contract.trades if found.trade_id == command["trade_id"]]
    if not named:
        return "unknown_trade"
    trade = named[0]
    if trade.is_busted:
        return "trade_already_busted"
    if command["type"] == "bust_trade/1":
        return bust(house, market, contract, trade, command)
    return adjust(house, market, contract, trade, command)


def bust(
    house: House, market: Market, contract: Contract, trade: Trade, command: Command
) -> str | None:
    """Undo a trade by its opposite."""
    changes = {trade.buyer: -trade.lots, trade.seller: trade.lots}
    if exceeds_int64(house, contract, (trade.lots, trade.price), changes):
        return "amount_overflow"
    trade.is_busted = True
    state_correction(house, market, contract, trade, ("trade_busted/1", command, {}))
    return None


def adjust(
    house: House, market: Market, contract: Contract, trade: Trade, command: Command
) -> str | None:
    """Adjust the price of a trade; a marked one pays lots x (old - new) to the buyer."""
    reason = refuse_price(contract, command["price"], is_limited=False)
    if reason is not None:
        return reason
    old, new = trade.price, int(command["price"] * 100)
    changes = {trade.buyer: 0, trade.seller: 0}
    if exceeds_int64(house, contract, (trade.lots, new), changes) or is_unbearable(
        market, contract, new
    ):
        return "amount_overflow"
    if trade.is_marked:
        contract.adjustments.append((trade.buyer, trade.seller, trade.lots * (old - new)))
    trade.price = new
    fact = ("trade_price_adjusted/1", command, {"price_ticks_before": old})
    state_correction(house, market, contract, trade, fact)
    return None


def state_correction(
    house: House, market: Market, contract: Contract, trade: Trade,
    fact: tuple[str, Command, dict[str, int]],
) -> None:  # fmt: skip
    """Record a bust or an adjustment."""
    name, command, more = fact
    house.state(
        name, market.shard, command["at"], trade_id=trade.trade_id, contract=contract.symbol,
        lots=trade.lots, buyer=trade.buyer, seller=trade.seller, price_ticks=trade.price,
        reason=command["reason"], **more,
    )  # fmt: skip


def transfer_position(house: House, market: Market, command: Command) -> str | None:
    """Move lots between accounts, or give the reason why not; repeats are silent."""
    if house.business_date is None:
        return "session_closed"
    memory, name = market.transfer_memory, command["transfer"]
    if not house.is_in_range(command["at"]):
        memory.setdefault(name, (command, "time_out_of_range"))
        return "time_out_of_range"
    if name in memory:
        known, answer = memory[name]
        return answer if known == command else "duplicate_reference"
    reason = refuse_transfer(house, market, command)
    memory[name] = (command, reason)
    if reason is None:
        move(house, market, command)
    return reason


def refuse_transfer(house: House, market: Market, command: Command) -> str | None:
    """Give the first reason against a new transfer, in WIRE's order of precedence."""
    giver, taker, lots = command["from_account"], command["to_account"], command["lots"]
    if giver not in house.accounts or taker not in house.accounts:
        return "unknown_account"
    if house.accounts[taker].is_suspended:
        return "account_suspended"
    reason = refuse_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    contract = market.contracts[command["contract"]]
    if lots < 1:
        return "lots_not_positive"
    sign = 1 if command["side"] == "long" else -1
    if position(contract, giver) * sign < lots:
        return "position_too_small"
    if giver == taker:
        return "self_trade"
    reason = refuse_price(contract, command["price"])
    if reason is not None:
        return reason
    changes = {taker: sign * lots, giver: -sign * lots}
    is_too_large = exceeds_int64(house, contract, (lots, int(command["price"] * 100)), changes)
    return "amount_overflow" if is_too_large else None


def move(house: House, market: Market, command: Command) -> None:
    """Move the lots, like a trade between the two at the stated price."""
    contract, at, lots = market.contracts[command["contract"]], command["at"], command["lots"]
    price = int(command["price"] * 100)
    buyer, seller = command["to_account"], command["from_account"]
    if command["side"] == "short":
        buyer, seller = seller, buyer
    contract.transfers.append(Transfer(lots, buyer, seller, price))
    house.state(
        "position_transferred/1", market.shard, at, transfer=command["transfer"],
        contract=contract.symbol, lots=lots, from_account=command["from_account"],
        to_account=command["to_account"], side=command["side"], price_ticks=price,
    )  # fmt: skip
    watch_limits(house, market, contract, (buyer, seller, lots), at)


def submit_quote(house: House, market: Market, command: Command) -> str | None:
    """Let a quote replace its maker's one before, or give the reason why not."""
    maker = command["maker"]
    if house.business_date is None:
        return "session_closed"
    if not house.is_in_range(command["at"]):
        return "time_out_of_range"
    if maker not in house.accounts:
        return "unknown_account"
    if house.accounts[maker].is_suspended:
        return "account_suspended"
    if house.is_defaulted(maker):
        return "member_defaulted"
    reason = refuse_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    contract = market.contracts[command["contract"]]
    if any(lots is not None and lots < 1 for lots in (command["bid_lots"], command["ask_lots"])):
        return "lots_not_positive"
    prices = [price for price in (command["bid"], command["ask"]) if price is not None]
    reasons = [refuse_price(contract, price) for price in prices]
    for reason in ("price_off_tick", "price_not_positive", "price_outside_limit"):
        if reason in reasons:
            return reason
    if len(prices) == 2 and prices[0] > prices[1]:
        return "quote_crossed"
    bid, ask = (None if p is None else int(p * 100) for p in (command["bid"], command["ask"]))
    if contract.reference is None and bid and is_unbearable(market, contract, bid):
        return "amount_overflow"
    contract.quotes[maker] = Quote(bid, ask)
    lots = min(command["bid_lots"] or 0, command["ask_lots"] or 0)
    contract.quote_log.append(MakerQuote(maker, command["at"], bid, ask, lots))
    return None


def halt_contract(house: House, market: Market, command: Command) -> str | None:
    """Halt a contract by command, to a time or to the close."""
    at, until = command["at"], command["until"]
    if house.business_date is None:
        return "session_closed"
    if not house.is_in_range(at):
        return "time_out_of_range"
    reason = refuse_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    if until is not None and until <= at:
        return "invalid_value"
    contract = market.contracts[command["contract"]]
    contract.halts.append(Halt(at, until, until_at_least=0))
    state_halt(house, market, contract, at, (0, None, until, None), command["reason"])
    return None


def set_settlement_price(house: House, market: Market, command: Command) -> str | None:
    """Set a contract's price of the coming close, or give the reason why not (RULEBOOK 4)."""
    if house.business_date is None:
        return "session_closed"
    if not house.is_in_range(command["at"]):
        return "time_out_of_range"
    reason = refuse_contract(house, market, command["contract"])
    if reason is not None:
        return reason
    contract = market.contracts[command["contract"]]
    reason = refuse_price(contract, command["price"], is_limited=False)
    if reason is not None:
        return reason
    price, last = int(command["price"] * 100), contract.own_price
    if last is not None and not Fraction(last, 100) <= price <= last * 100:
        return "price_outside_limit"
    if contract.last_day <= house.session() and market.index.published:
        return "invalid_value"
    if is_unbearable(market, contract, price):
        return "amount_overflow"
    contract.set_price = price
    house.state(
        "settlement_price_overruled/1", market.shard, command["at"], contract=contract.symbol,
        price_ticks=price, reason=command["reason"],
    )  # fmt: skip
    return None
