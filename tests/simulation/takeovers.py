"""Markets of auctions without an index, some at the end of int64: a seed is a market of three days.

In: a seed. Out: lines: trades, busts, adjustments, transfers, cycles, and a defaulter's accounts
auctioned again and again, so that positions not yet marked or bust go over. In every second market
all trades of the first day are bust at its end: its contracts are then without any price.
"""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

from tests.by_paper import BY_PAPER
from tests.simulation.huge import ACCOUNTS, CONTRACTS, opening

DAYS = ("2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11")
PRICES = ("2.00", "2.01", "2.07", "1.95", "2.30")
LOTS = (1, 5, 20, 1_000)
HUGE = (1, (2**63 - 1) // 240, (2**63 - 1) // 400)
DEFAULTED = ("A-H", "A-C")


def takeover_market(seed: int) -> list[bytes]:
    """The lines of such a market; every third of huge lots."""
    rng = Random(seed)  # noqa: S311 - tests draw no secrets
    lots = HUGE if seed % 3 == 0 else LOTS
    commands = [BY_PAPER, *opening(None)]
    for day, following in pairwise(DAYS):
        times = sorted(rng.sample(range(60 * 8, 60 * 20), 20))
        for number, minute in enumerate(times):
            at = f"{day}T{minute // 60:02d}:{minute % 60:02d}:00Z"
            if day == DAYS[0] and number == len(times) // 2:
                default = {"type": "declare_default/1", "member": "A", "reason": "x", "at": at}
                commands += [default, _auction(rng, len(commands), at=at)]
            commands.append(_event(rng, commands, lots=lots, at=at))
        end = f"{day}T21:00:00Z"
        if day == DAYS[0] and seed % 2:
            commands += [_bust(trade, at=end) for trade in _trades(commands)]
        close = {"business_date": day, "next_business_date": following, "at": end}
        commands.append({"type": "close_session/1", **close})
    return [json.dumps(command).encode() for command in commands]


def _trades(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [command for command in commands if command["type"] == "submit_trade/1"]


def _bust(trade: dict[str, Any], *, at: str) -> dict[str, Any]:
    named = {"trade_id": trade["trade_id"], "contract": trade["contract"]}
    return {"type": "bust_trade/1", **named, "reason": "r", "at": at}


def _auction(rng: Random, number: int, *, at: str) -> dict[str, Any]:
    sides = {"account": rng.choice(DEFAULTED), "to_account": rng.choice(ACCOUNTS)}
    fields = {"reference": f"o{number}", **sides, "payment_cents": rng.choice((0, 100, -100))}
    return {"type": "auction_account/1", **fields, "at": at}


def _event(
    rng: Random, commands: list[dict[str, Any]], *, lots: tuple[int, ...], at: str
) -> dict[str, Any]:
    """Mostly a trade or a bust; else what amends, moves, marks or auctions."""
    number = len(commands)
    buyer, seller = rng.sample(ACCOUNTS, 2)
    deal = {"contract": rng.choice(CONTRACTS), "price": rng.choice(PRICES)}
    amount = rng.choice(lots)
    kind = rng.choices(("trade", "bust", "adjust", "move", "auction", "cycle"), (8, 6, 2, 2, 5, 2))
    trades = _trades(commands)
    if kind == ["trade"] or not trades:
        sides = {"buyer": buyer, "seller": seller, "executed_at": at}
        return {"type": "submit_trade/1", "trade_id": f"T{number}", **deal, "lots": amount} | sides
    if kind == ["auction"]:
        return _auction(rng, number, at=at)
    if kind == ["cycle"]:
        return {"type": "run_cycle/1", "cycle": f"c{number}", "at": at}
    if kind == ["move"]:
        moved = {"from_account": buyer, "to_account": seller, "side": rng.choice(["long", "short"])}
        moved |= {"transfer": f"X{number}", "at": at}
        return {"type": "transfer_position/1", **deal, "lots": amount, **moved}
    bust = _bust(rng.choice(trades), at=at)
    if kind == ["bust"]:
        return bust
    return {**bust, "type": "adjust_trade_price/1", "price": deal["price"]}
