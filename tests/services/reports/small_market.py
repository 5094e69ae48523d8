"""One session of two members and one contract, small enough to work by hand.

SITM26 is listed at 200 ticks. A-H buys 1000 lots at 200 from B-H; noon marks at 200. T2 is bust.
T3, 5 lots, is adjusted from 204 to 202 and is the only trade of the last five minutes: the
contract settles at 202, A-H gets 1000 · 2 = 2000 cents. Margin is the floor, 8 %: 1000 · 200 ·
0.08 = 16000 at noon, 1005 · 202 · 0.08 = 16240.8, so 16241, at the close. B-H has paid in 14000,
keeps 12000, which is less than maintenance (ceil 0.75 · 16241 = 12181), and is called for 4241; it
pays the next day.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.by_paper import BY_PAPER_LINE

DAY: Final = "2026-06-08"
NEXT: Final = "2026-06-09"
BROKEN: Final = b'{"type":\xff\x1b[31m'
WRONG: Final = (
    b'{"type":"submit_trade/1","trade_id":"T4","contract":"SITM26","price":"2.00",'
    b'"lots":-5,"buyer":"A-H","seller":"B-H","executed_at":"2026-06-08T14:00:00Z"}'
)


def command(kind: str, **fields: Any) -> bytes:  # noqa: ANN401 - JSON of any form
    """One line."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode()


def trade(name: str, price: str, *, lots: int, at: str) -> bytes:
    """A-H buys from B-H."""
    sides = {"buyer": "A-H", "seller": "B-H", "executed_at": f"{DAY}T{at}Z"}
    own = {"trade_id": name, "contract": "SITM26", "price": price, "lots": lots}
    return command("submit_trade/1", **own, **sides)


def _deposit(reference: str, account: str, *, cents: int, at: str) -> bytes:
    own = {"reference": reference, "account": account, "asset": "USD", "amount_cents": cents}
    return command("deposit_collateral/1", **own, at=at)


def _members() -> list[bytes]:
    at = "2026-06-05T12:00:00Z"
    lines = [command("admit_member/1", member=name, name=name, at=at) for name in "AB"]
    for name, member, origin in (
        ("A-H", "A", "house"),
        ("B-H", "B", "house"),
        ("B-C", "B", "customer"),
    ):
        own = {"account": name, "member": member, "origin": origin, "owner": f"o-{name}"}
        lines.append(command("open_account/1", **own, at=at))
    lines.append(_deposit("d-A", "A-H", cents=1_000_000, at=at))
    lines.append(_deposit("d-B", "B-H", cents=14_000, at=at))
    return lines


def _index() -> list[bytes]:
    at, model = "2026-06-05T12:00:00Z", {"product": "SIT", "provider": "p", "model": "m"}
    scores = {"mmlu": "86", "humaneval": "67", "gsm8k": "92"}
    return [
        command("report_capability/1", **model, **scores, at=at),
        command("report_provider_volume/1", product="SIT", provider="p", tokens=100, at=at),
        _price("2.00", at=f"{DAY}T00:00:00Z"),
        command("open_session/1", business_date=DAY, at=f"{DAY}T00:05:00Z"),
    ]


def _price(usd: str, *, at: str) -> bytes:
    model = {"product": "SIT", "provider": "p", "model": "m"}
    prices = {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd}
    return command("report_provider_price/1", **model, **prices, at=at)


def _changed(kind: str, name: str, *, at: str, **more: str) -> bytes:
    own = {"trade_id": name, "contract": "SITM26", "reason": "error"}
    return command(kind, **own, **more, at=f"{DAY}T{at}Z")


SMALL_MARKET: Final[list[bytes]] = [
    BY_PAPER_LINE,
    *_members(),
    *_index(),
    _price("2.01", at=f"{DAY}T08:00:00Z"),
    trade("T1", "2.00", lots=1000, at="10:00:00"),
    command("run_cycle/1", cycle="noon", at=f"{DAY}T12:00:00Z"),
    trade("T2", "2.10", lots=10, at="13:00:00"),
    _changed("bust_trade/1", "T2", at="13:30:00"),
    WRONG,
    BROKEN,
    trade("T3", "2.04", lots=5, at="20:58:00"),
    _changed("adjust_trade_price/1", "T3", at="20:59:00", price="2.02"),
    command(
        "close_session/1", business_date=DAY, next_business_date=NEXT, at=f"{DAY}T21:00:00Z"
    ),
    _deposit("d-B2", "B-H", cents=4241, at=f"{NEXT}T09:00:00Z"),
    command(
        "transfer_position/1", transfer="X1", contract="SITM26", lots=5, from_account="B-H",
        to_account="B-C", side="short", price="2.02", at=f"{NEXT}T10:00:00Z",
    ),
]  # fmt: skip
