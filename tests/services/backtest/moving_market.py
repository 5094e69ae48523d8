"""Four sessions of one product in which prices jump; worked by hand.

The exchange sets the settlement prices: SITM26 200, 180, and its end on 2026-06-17 at the index,
190; SITN26 200, 200, 250, 250. On the first day A-H buys 1000 SITM26 and sells 500 SITN26, both at
200, from and to B-H. Margin is the floor, 8 %: at the first close 1000 · 200 · 0.08 + 500 · 200 ·
0.08 = 24,000 for each, at the second 1000 · 180 · 0.08 + 8000 = 22,400.
"""

from __future__ import annotations

from typing import Final

from tests.services.reports.small_market import command

DAYS: Final = ("2026-06-15", "2026-06-16", "2026-06-17", "2026-06-18", "2026-06-19")
_AT: Final = "2026-06-12T12:00:00Z"
_MODEL: Final = {"product": "SIT", "provider": "p", "model": "m"}
_SETTLED: Final = (("2.00", "2.00"), ("1.80", "2.00"), ("1.90", "2.50"), (None, "2.50"))


def _opening() -> list[bytes]:
    lines = [
        command(
            "configure/1", parameter="margin_model", product=None, value="paper",
            effective_date="2026-06-12", at=_AT,
        ),
        command("report_capability/1", **_MODEL, mmlu="86", humaneval="67", gsm8k="92", at=_AT),
        command("report_provider_volume/1", product="SIT", provider="p", tokens=100, at=_AT),
    ]  # fmt: skip
    for name in "AB":
        account, own = f"{name}-H", {"member": name, "origin": "house", "owner": name}
        deposit = {"reference": name, "asset": "USD", "amount_cents": 1_000_000}
        lines += [
            command("admit_member/1", member=name, name=name, at=_AT),
            command("open_account/1", account=account, **own, at=_AT),
            command("deposit_collateral/1", account=account, **deposit, at=_AT),
        ]
    return lines


def _trade(contract: str, *, lots: int, buyer: str, seller: str) -> bytes:
    fields = {"trade_id": contract, "contract": contract, "price": "2.00", "lots": lots}
    at = f"{DAYS[0]}T10:00:00Z"
    return command("submit_trade/1", **fields, buyer=buyer, seller=seller, executed_at=at)


def _session(number: int) -> list[bytes]:
    day, following = DAYS[number], DAYS[number + 1]
    usd = "1.90" if number == 2 else "2.00"
    lines = [
        command(
            "report_provider_price/1", **_MODEL, input_usd_per_mtok=usd, output_usd_per_mtok=usd,
            at=f"{day}T00:00:00Z",
        ),
        command("open_session/1", business_date=day, at=f"{day}T00:05:00Z"),
    ]  # fmt: skip
    if number == 0:
        lines.append(_trade("SITM26", lots=1000, buyer="A-H", seller="B-H"))
        lines.append(_trade("SITN26", lots=500, buyer="B-H", seller="A-H"))
    for contract, price in zip(("SITM26", "SITN26"), _SETTLED[number], strict=True):
        if price is not None:
            fields = {"contract": contract, "price": price, "reason": "set by hand"}
            lines.append(command("set_settlement_price/1", **fields, at=f"{day}T20:00:00Z"))
    dates = {"business_date": day, "next_business_date": following}
    return [*lines, command("close_session/1", **dates, at=f"{day}T21:00:00Z")]


MOVING_MARKET: Final = [*_opening(), *(line for number in range(4) for line in _session(number))]
