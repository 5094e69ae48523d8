"""Markets of amounts at the end of an int64: a seed is a market of four days.

In: a seed. Out: lines: trades, busts, adjustments, transfers, quotes and cycles of a few accounts,
with lots and prices of which any two may be too many; nobody deposits, so that cash has room.
"""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

INT64_MAX = 2**63 - 1
ACCOUNTS = ("A-H", "A-C", "B-H", "B-C", "C-H", "C-C")
CONTRACTS = ("SITM26", "SITN26")
DAYS = ("2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11", "2026-06-12")
INDEX = (None, None, "0.01", "2.07", "1000000.00")
PRICES = (
    "0.01", "0.02", "2.07", "2.08", "1.99", "2.38", "1.76",
    "1000000.00", "9999999.99", "92233720368547758.07",
)  # fmt: skip
LOTS = (
    1, 2, 10, 10**6, 10**9, 12_077_294, 2**40, 2**40 + 1, 4 * 10**16, 10**17,
    INT64_MAX // 207, INT64_MAX // 2, 2**62, INT64_MAX - 1, INT64_MAX,
)  # fmt: skip


def huge_market(seed: int) -> list[bytes]:
    """The lines of such a market."""
    rng = Random(seed)  # noqa: S311 - tests draw no secrets
    commands = [*opening(rng.choice(INDEX))]
    trades: list[dict[str, Any]] = []
    for day, following in pairwise(DAYS):
        for _ in range(rng.randint(3, 20)):
            at = f"{day}T{rng.randint(8, 20):02d}:{rng.randint(0, 59):02d}:00Z"
            commands.append(_event(rng, trades, at=at, number=len(commands)))
        close = {"business_date": day, "next_business_date": following, "at": f"{day}T21:00:00Z"}
        commands.append({"type": "close_session/1", **close})
    return [json.dumps(command).encode() for command in commands]


def opening(index: str | None) -> list[dict[str, Any]]:
    """Members, accounts, perhaps an index of this price, the first session."""
    at = "2026-06-05T12:00:00Z"
    model = {"product": "SIT", "provider": "p", "model": "m", "at": "2026-06-08T00:00:00Z"}
    scores = {"mmlu": "86", "humaneval": "67", "gsm8k": "92"}
    prices = {"input_usd_per_mtok": index, "output_usd_per_mtok": index}
    reports = [
        {"type": "report_capability/1", **model, **scores},
        {
            "type": "report_provider_volume/1",
            "product": "SIT",
            "provider": "p",
            "tokens": 1,
            "at": at,
        },
        {"type": "report_provider_price/1", **model, **prices},
    ]
    origins = {"H": "house", "C": "customer"}
    return [
        *({"type": "admit_member/1", "member": name, "name": name, "at": at} for name in "ABC"),
        *(
            {"type": "open_account/1", "account": name, "member": name[0], "owner": name, "at": at}
            | {"origin": origins[name[-1]]}
            for name in ACCOUNTS
        ),
        *(reports if index is not None else ()),
        {"type": "open_session/1", "business_date": DAYS[0], "at": "2026-06-08T00:05:00Z"},
    ]


def _event(rng: Random, trades: list[dict[str, Any]], *, at: str, number: int) -> dict[str, Any]:
    """Mostly a trade; else a command that amends, moves or quotes."""
    buyer, seller = rng.sample(ACCOUNTS, 2)
    deal = {
        "contract": rng.choice(CONTRACTS),
        "price": rng.choice(PRICES),
        "lots": rng.choice(LOTS),
    }
    trade = {"type": "submit_trade/1", "trade_id": f"T{number}", **deal}
    trade |= {"buyer": buyer, "seller": seller, "executed_at": at}
    chance = rng.random()
    if chance < 0.75 or not trades:
        trades.append(trade)
        return trade
    cleared = rng.choice(trades)
    amended = {"trade_id": cleared["trade_id"], "contract": cleared["contract"]}
    amended |= {"reason": "r", "at": at}
    if chance < 0.80:
        return {"type": "bust_trade/1", **amended}
    if chance < 0.85:
        return {"type": "adjust_trade_price/1", **amended, "price": deal["price"]}
    if chance < 0.92:
        moved = {"from_account": buyer, "to_account": seller, "side": rng.choice(["long", "short"])}
        return {"type": "transfer_position/1", "transfer": f"X{number}", **deal, **moved, "at": at}
    if chance < 0.95:
        sides = {"bid": deal["price"], "bid_lots": 1, "ask": None, "ask_lots": None}
        return {"type": "submit_quote/1", "maker": buyer, "contract": deal["contract"], **sides} | {
            "at": at
        }
    return {"type": "run_cycle/1", "cycle": f"c{number}", "at": at}
