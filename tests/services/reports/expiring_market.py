"""Two sessions and a third that is open, in which a contract ends; worked by hand.

All contracts are listed at 200 ticks. SITM26 ends on 2026-06-17.

2026-06-16: A-H buys 1000 SITM26 at 200 from B-H; a limit is 100,000 cents / 200 = 500 lots, so
both breach it. A-H buys one SITN26 at 230 from B-H: 200 + 15 %, a halt until 11:10. The close
marks both at their only trade, 200 and 230: no variation. Requirement of each: 1000 · 200 · 0.08 =
16,000 and 230 · 0.08 = 18.4, so 16,019. A-H has 1,000,000, asked 100,000 back, and keeps 900,000.
SITQ26, in which nobody has lots, settles at the 210 that the exchange has set.

2026-06-17: the index falls to 1.90. A-H buys 1000 SITN26 at 230 from B-C. SITM26 is finally settled
at 190: A-H pays 1000 · 10 = 10,000 to B-H and has 890,000. Requirements: A-H 1001 · 230 · 0.08 =
18,418.4, so 18,419; B-C 18,400, of which it has 10,000, less than 13,800: it is called for 8,400.

2026-06-18: B-C brings 3,400 at 09:00, twelve hours after the call: 5,000 remain.
"""

from __future__ import annotations

from typing import Final

from tests.by_paper import BY_PAPER_LINE
from tests.services.reports.small_market import command

FIRST: Final = "2026-06-16"
LAST: Final = "2026-06-17"
OPEN: Final = "2026-06-18"
_AT: Final = "2026-06-15T12:00:00Z"
_MODEL: Final = {"product": "SIT", "provider": "p", "model": "m"}


def _account(name: str, origin: str, *, cents: int) -> list[bytes]:
    fields = {"account": name, "member": name[0], "origin": origin, "owner": f"o-{name}"}
    return [
        command("open_account/1", **fields, at=_AT),
        _deposit(f"d-{name}", name, cents=cents, at=_AT),
    ]


def _deposit(reference: str, account: str, *, cents: int, at: str) -> bytes:
    fields = {"reference": reference, "account": account, "asset": "USD", "amount_cents": cents}
    return command("deposit_collateral/1", **fields, at=at)


def _price(usd: str, *, at: str) -> bytes:
    prices = {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd}
    return command("report_provider_price/1", **_MODEL, **prices, at=at)


def _trade(name: str, contract: str, *, price: str, lots: int, at: str) -> bytes:
    """A-H buys from B-H, or from B-C on the second day."""
    seller = "B-H" if at.startswith(FIRST) else "B-C"
    fields = {"trade_id": name, "contract": contract, "price": price, "lots": lots}
    return command("submit_trade/1", **fields, buyer="A-H", seller=seller, executed_at=at)


def _close(day: str, following: str) -> bytes:
    dates = {"business_date": day, "next_business_date": following}
    return command("close_session/1", **dates, at=f"{day}T21:00:00Z")


def _configure(parameter: str, value: str, *, product: str | None, days: tuple[str, str]) -> bytes:
    """days: when it is ordered, and from when it is to hold."""
    fields = {"parameter": parameter, "product": product, "value": value}
    return command("configure/1", **fields, effective_date=days[1], at=days[0])


EXPIRING_MARKET: Final = [
    BY_PAPER_LINE,
    _configure("position_floor_cents", "100000", product="SIT", days=(_AT, FIRST)),
    *(command("admit_member/1", member=name, name=name, at=_AT) for name in "AB"),
    *_account("A-H", "house", cents=1_000_000),
    *_account("B-H", "house", cents=20_000),
    *_account("B-C", "customer", cents=10_000),
    command("report_capability/1", **_MODEL, mmlu="86", humaneval="67", gsm8k="92", at=_AT),
    command("report_provider_volume/1", product="SIT", provider="p", tokens=100, at=_AT),
    _price("2.00", at=f"{FIRST}T00:00:00Z"),
    command("open_session/1", business_date=FIRST, at=f"{FIRST}T00:05:00Z"),
    _trade("T1", "SITM26", price="2.00", lots=1000, at=f"{FIRST}T10:00:00Z"),
    _trade("T2", "SITN26", price="2.30", lots=1, at=f"{FIRST}T11:00:00Z"),
    command(
        "withdraw_collateral/1", reference="w-A", account="A-H", asset="USD", amount_cents=100_000,
        at=f"{FIRST}T12:00:00Z",
    ),
    command(
        "set_settlement_price/1", contract="SITQ26", price="2.10", reason="no market",
        at=f"{FIRST}T13:00:00Z",
    ),
    _close(FIRST, LAST),
    _price("1.90", at=f"{LAST}T08:00:00Z"),
    _configure(
        "margin_floor_ppm", "90000", product="SIT", days=(f"{LAST}T10:00:00Z", "2026-06-19")
    ),
    _trade("T3", "SITN26", price="2.30", lots=1000, at=f"{LAST}T12:00:00Z"),
    _close(LAST, OPEN),
    _deposit("d-B2", "B-C", cents=3_400, at=f"{OPEN}T09:00:00Z"),
]  # fmt: skip
