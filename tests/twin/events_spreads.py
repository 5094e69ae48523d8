"""Events of spreads: of two months and of two products, good and bad."""

from __future__ import annotations

from tests.twin.books import Contract
from tests.twin.events_trading import STRANGE, executed, lots, price
from tests.twin.script import Script
from tests.twin.words import Command


def spread(script: Script) -> None:
    """Submit a spread; sometimes with a leg that fails, or under a name that is known."""
    pair = two_contracts(script)
    if pair is None:
        return
    buyer, seller = script.rng.sample(script.accounts, 2)
    if script.chance(0.04):
        seller = script.pick((buyer, "GHOST"))
    legs = [leg(script, contract, buyer) for contract in pair]
    if script.chance(0.05):
        script.pick(legs)["contract"] = script.pick(STRANGE)
    if script.chance(0.02):
        legs = script.pick(([], legs[:1], legs * 2, [legs[0], legs[0]]))
    script.send(
        "submit_spread/1", reference=reference(script), legs=legs, buyer=buyer, seller=seller,
        executed_at=executed(script, script.pick(pair)),
    )  # fmt: skip


def two_contracts(script: Script) -> tuple[Contract, Contract] | None:
    """Pick two live contracts: of one product, or one of each."""
    markets = [market.live()[:4] for _, market in sorted(script.house.markets.items())]
    listed = [contracts for contracts in markets if len(contracts) > 1]
    if not listed:
        return None
    if len(listed) > 1 and script.chance(0.6):
        first, second = script.rng.sample(listed, 2)
        return script.pick(first), script.pick(second)
    first_leg, second_leg = script.rng.sample(script.pick(listed), 2)
    return first_leg, second_leg


def leg(script: Script, contract: Contract, buyer: str) -> Command:
    """Give a leg; sometimes under the id of a trade, or of a leg that may not have been cleared."""
    known = [found.trade_id for found in contract.trades[-5:]]
    known += [
        one["trade_id"]
        for sent in script.sent[-60:]
        for one in (sent.get("legs") or [])
        if one["contract"][:3] == contract.symbol[:3]
    ]
    is_new = not known or script.chance(0.8)
    return {
        "trade_id": script.name("L") if is_new else script.pick(known),
        "contract": contract.symbol,
        "price": price(script, contract),
        "lots": lots(script, contract, buyer),
    }


def reference(script: Script) -> str:
    """Give a name: mostly a new one, else one of a spread or of a porting."""
    known = sorted(script.house.references)
    return script.pick(known) if known and script.chance(0.05) else script.name("sp")
