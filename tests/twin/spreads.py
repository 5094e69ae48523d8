"""Spreads: two legs, cleared both or neither (RULEBOOK 3, WIRE 3)."""

from __future__ import annotations

from tests.twin.books import House, Market
from tests.twin.trading import novate, refuse_trade
from tests.twin.words import SILENT, Command

SHARD = "control/0"


def take_spread(house: House, command: Command) -> str | None:
    """Take a spread, or give the reason why `control/0` does not; no clock moves.

    What a market has against a leg the market states itself.
    """
    if house.business_date is None:
        return "session_closed"
    name = command["reference"]
    reason = None if house.is_in_range(command["executed_at"]) else "time_out_of_range"
    if reason is None and name in house.references:
        known, answer = house.references[name]
        if known != command:
            return "duplicate_reference"
        return None if answer == SILENT else answer
    if any(leg["contract"][:3] not in house.markets for leg in command["legs"]):
        reason = reason or "unknown_contract"
    house.references.setdefault(name, (command, reason or SILENT))
    if reason is None:
        submit(house, command)
    return reason


def submit(house: House, command: Command) -> None:
    """Record a spread; clear both legs, or state the first reason against one."""
    at = command["executed_at"]
    legs = [leg | {"price": str(leg["price"])} for leg in command["legs"]]
    sides = {"buyer": command["buyer"], "seller": command["seller"]}
    reference = command["reference"]
    house.state("spread_submitted/1", SHARD, at, reference=reference, legs=legs, **sides)
    trades = trades_of(house, command)
    for market, trade in trades:
        is_known = trade["trade_id"] in market.trade_memory
        reason = "trade_id_conflict" if is_known else refuse_trade(house, market, trade)
        if reason is not None:
            house.state(
                "command_refused/1", market.shard, at, command_type=command["type"],
                reference=reference, reason=reason, detail=trade["contract"],
            )  # fmt: skip
            return
    for market, trade in trades:
        market.trade_memory[trade["trade_id"]] = (trade, None)
        novate(house, market, trade)
    cleared = [
        {name: trade[name] for name in ("trade_id", "contract", "lots")}
        | {"price_ticks": int(trade["price"] * 100)}
        for _, trade in trades
    ]
    house.state(
        "spread_cleared/1", trades[0][0].shard, at, reference=reference, legs=cleared, **sides,
        business_date=house.session().isoformat(),
    )  # fmt: skip


def trades_of(house: House, command: Command) -> list[tuple[Market, Command]]:
    """Give each leg as a trade in its market: the buyer buys the first, sells the second."""
    buyer, seller = command["buyer"], command["seller"]
    sides = ({"buyer": buyer, "seller": seller}, {"buyer": seller, "seller": buyer})
    more = {"type": "submit_trade/1", "executed_at": command["executed_at"]}
    return [
        (house.markets[leg["contract"][:3]], leg | two | more)
        for leg, two in zip(command["legs"], sides, strict=True)
    ]
