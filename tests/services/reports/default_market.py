"""One default of three members over two sessions, small enough to work by hand (amounts in cents).

8 June: A-H buys 1,000 lots at 200 from B-H, A-C 100 from C-H; both settle at 200. Margin is 8 %:
16,000 and 1,600 a side. Stress: `front_up_60` costs B 120,000 − 16,000 and C 12,000 − 1,600, as
much as `front_down_60` costs A: cover 114,400, the fund is to have 125,840, by margin A 62,920, B
57,200, C 5,720. Paid in are A 1,000, B 600, C 400, the capital 300: A is called for 61,920, B for
56,600, C for 5,320. B and C contribute that.

9 June: at noon 180 is the mark. A-H pays 20,000 of its 17,000 and is called for 14,400 − (−3,000 +
2,000 of bonds) = 15,400, which it misses at one o'clock, as A does its fund call. A is in default
at two. A-C goes over to B with 10,000 and 100 lots. A-H sells 200 lots at 175 to B-H, its other 800
go to C-H in an auction, with the 1,000 that the sale cost, and 500 paid to C-H; its bonds are sold
for 1,900. At the cycle of half past three 175 is the mark: C-H pays 800 · 5 + 1,000 less 99 · 5
that its own short gets. A-H is at −3,000 − 500 + 1,900 = −1,600: A's contribution pays 1,000, the
capital 300, B and C 300 by their contributions of 57,200 and 5,720: 273 and 27.

At the close 175 again. C is short in the fund: cover is 801 · 105 − 11,214 = 72,891 of B (up), the
fund is to have 80,181, by margin (12,614 to 9,814) B 45,096, C 35,085; C has 5,693.
"""

from __future__ import annotations

from typing import Any, Final

from tests.by_paper import BY_PAPER_LINE
from tests.services.reports.small_market import command

FIRST: Final = "2026-06-08"
SECOND: Final = "2026-06-09"
THIRD: Final = "2026-06-10"
_BEFORE: Final = "2026-06-05T12:00:00Z"


def _deposit(account: str, cents: int) -> bytes:
    own = {"reference": f"d-{account}", "account": account, "asset": "USD", "amount_cents": cents}
    return command("deposit_collateral/1", **own, at=_BEFORE)


def contribution(
    reference: str, member: str | None, cents: int, at: str, kind: str = "contribute_fund/1"
) -> bytes:
    """A contribution to the fund; of None to the capital."""
    own = {"reference": reference, "member": member, "amount_cents": cents}
    return command(kind, **own, at=at)


def _floor(parameter: str) -> bytes:
    own = {"parameter": parameter, "product": None, "value": "0"}
    return command("configure/1", **own, effective_date="2020-01-01", at="2020-01-01T00:00:00Z")


def _members() -> list[bytes]:
    lines = [command("admit_member/1", member=name, name=name, at=_BEFORE) for name in "ABC"]
    for name in ("A-H", "A-C", "B-H", "C-H"):
        origin = "house" if name.endswith("H") else "customer"
        own = {"account": name, "member": name[0], "origin": origin, "owner": f"o-{name}"}
        lines.append(command("open_account/1", **own, at=_BEFORE))
    for name, cents in (("A-H", 17_000), ("A-C", 12_000), ("B-H", 50_000), ("C-H", 50_000)):
        lines.append(_deposit(name, cents))
    for member, cents in (("A", 1_000), ("B", 600), ("C", 400), (None, 300)):
        lines.append(contribution(f"f-{member}", member, cents, _BEFORE))
    return lines


def _begins() -> list[bytes]:
    model = {"product": "SIT", "provider": "p", "model": "m"}
    prices = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "2.00"}
    terms = {"haircut_ppm": 0, "share_ppm": 1_000_000, "fresh_hours": 72}
    scores = {"mmlu": "86", "humaneval": "67", "gsm8k": "92"}
    bonds = {"reference": "u1", "account": "A-H", "asset": "BOND", "units": 2}
    return [
        command("report_capability/1", **model, **scores, at=_BEFORE),
        command("report_provider_volume/1", product="SIT", provider="p", tokens=1, at=_BEFORE),
        command("report_provider_price/1", **model, **prices, at=f"{FIRST}T00:00:00Z"),
        command("configure_asset/1", asset="BOND", **terms, effective_date=FIRST, at=_BEFORE),
        command("open_session/1", business_date=FIRST, at=f"{FIRST}T00:05:00Z"),
        command("report_asset_price/1", asset="BOND", price_usd="10", at=f"{FIRST}T01:00:00Z"),
        command("deposit_asset/1", **bonds, at=f"{FIRST}T01:00:00Z"),
    ]


def _trade(name: str, price: str, lots: int, buyer: str, seller: str, at: str) -> bytes:
    sides = {"buyer": buyer, "seller": seller, "executed_at": at}
    own = {"trade_id": name, "contract": "SITM26", "price": price, "lots": lots}
    return command("submit_trade/1", **own, **sides)


def _close(day: str, following: str) -> bytes:
    dates = {"business_date": day, "next_business_date": following}
    return command("close_session/1", **dates, at=f"{day}T21:00:00Z")


def _second(kind: str, at: str, **fields: Any) -> bytes:  # noqa: ANN401 - JSON of any form
    """A line of the second session."""
    return command(f"{kind}/1", **fields, at=f"{SECOND}T{at}:00Z")


_SOLD: Final = {"reference": "l1", "account": "A-H", "asset": "BOND", "units": 2}
_AUCTION: Final = {"account": "A-H", "payment_cents": 500}

DEFAULT_MARKET: Final[list[bytes]] = [
    BY_PAPER_LINE,
    _floor("fund_floor_cents"),
    _floor("fund_member_floor_cents"),
    *_members(),
    *_begins(),
    _trade("T1", "2.00", 1_000, "A-H", "B-H", f"{FIRST}T20:58:00Z"),
    _trade("T2", "2.00", 100, "A-C", "C-H", f"{FIRST}T20:59:00Z"),
    _close(FIRST, SECOND),
    contribution("f-B2", "B", 56_600, f"{SECOND}T10:00:00Z"),
    contribution("f-C2", "C", 5_320, f"{SECOND}T10:00:00Z"),
    contribution("w-A", "A", 100, f"{SECOND}T10:30:00Z", "withdraw_fund/1"),
    _trade("T3", "1.80", 1, "C-H", "B-H", f"{SECOND}T11:00:00Z"),
    _second("run_cycle", "12:00", cycle="noon"),
    _second("declare_default", "14:00", member="A", reason="missed its calls"),
    _second("port_account", "14:10", reference="p1", account="A-C", to_member="B"),
    _trade("T4", "1.75", 200, "B-H", "A-H", f"{SECOND}T14:20:00Z"),
    _second("auction_account", "14:30", reference="a0", to_account="A-H", **_AUCTION),
    _second("auction_account", "14:40", reference="a1", to_account="C-H", **_AUCTION),
    _second("liquidate_asset", "14:50", proceeds_cents=1_900, **_SOLD),
    _second("settle_default", "15:00", member="A"),
    _second("run_cycle", "15:30", cycle="later"),
    _close(SECOND, THIRD),
]
