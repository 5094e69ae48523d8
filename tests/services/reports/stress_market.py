"""Five members and one contract at 200 ticks, the market of a stress run worked by hand.

Long A 1,000,000 lots, B 500,000, C 250,000; short D 1,000,000, E 750,000. The worst move is 60 % of
the front month, 120 ticks. On the 8th, down: A loses 120,000,000 less 16,000,000 of margin, B
60,000,000 less its 5,000,000, C 30,000,000 less its 4,000,000; up: D 104,000,000 and E 90,000,000
less 12,000,000: cover 182,000,000, and with 10 % on it 200,200,000. On the 9th A and C are one
group: 130,000,000 + 55,000,000 = 185,000,000, required 203,500,000. The fund has 100,000,000 of the
clearinghouse, 50,000,000 of A and 40,000,000 of D, and from the morning of the 9th 20,000,000 of B.

The close of the 9th pays 30,000,000 back to the clearinghouse. On the 10th F, whose account an
adjustment leaves at −5,000,000, is in default; that close applies the waterfall, and the capital
pays: 65,000,000 + 110,000,000 are less than the cover, which is that of the 9th.

Of B's margin 1,000,000 are 100,000 bonds at $0.10, which count in full until the session of the
11th, and for half from then on.
"""

from __future__ import annotations

from typing import Any, Final

from tests.by_paper import BY_PAPER_LINE
from tests.services.reports.small_market import command

DAY: Final = "2026-06-08"
NEXT: Final = "2026-06-09"
AFTER: Final = "2026-06-10"
OPEN: Final = "2026-06-11"
_BEFORE: Final = "2026-06-05T12:00:00Z"
_BOND: Final = {"asset": "BOND", "share_ppm": 1_000_000, "fresh_hours": 8_760}
_DEPOSITS: Final = {
    "A": 20_000_000, "B": 4_000_000, "C": 4_000_000, "D": 16_000_000, "E": 12_000_000,
    "F": 1_000_000,
}  # fmt: skip
_MODEL: Final = {"product": "SIT", "provider": "p", "model": "m"}
_SCORES: Final = {"mmlu": "86", "humaneval": "67", "gsm8k": "92"}


def _members() -> list[bytes]:
    lines = []
    for member, cents in _DEPOSITS.items():
        house = {"account": f"{member}-H", "member": member, "origin": "house"}
        deposit = {"reference": f"d{member}", "account": f"{member}-H", "asset": "USD"}
        lines += [
            command("admit_member/1", member=member, name=member, at=_BEFORE),
            command("open_account/1", **house, owner=f"o-{member}", at=_BEFORE),
            command("deposit_collateral/1", **deposit, amount_cents=cents, at=_BEFORE),
        ]
    return lines


def _trade(name: str, *, lots: int, buyer: str, seller: str) -> bytes:
    own: dict[str, Any] = {"trade_id": name, "contract": "SITM26", "price": "2.00", "lots": lots}
    sides = {"buyer": f"{buyer}-H", "seller": f"{seller}-H"}
    return command("submit_trade/1", **own, **sides, executed_at=f"{DAY}T20:58:00Z")


def _contribution(reference: str, member: str | None, *, cents: int, at: str) -> bytes:
    own = {"reference": reference, "member": member, "amount_cents": cents}
    return command("contribute_fund/1", **own, at=at)


def _close(day: str, following: str) -> bytes:
    days = {"business_date": day, "next_business_date": following}
    return command("close_session/1", **days, at=f"{day}T21:00:00Z")


STRESS_MARKET: Final[list[bytes]] = [
    BY_PAPER_LINE,
    *_members(),
    _contribution("f0", None, cents=100_000_000, at=_BEFORE),
    _contribution("fA", "A", cents=50_000_000, at=_BEFORE),
    _contribution("fD", "D", cents=40_000_000, at=_BEFORE),
    command("report_capability/1", **_MODEL, **_SCORES, at=_BEFORE),
    command("report_provider_volume/1", product="SIT", provider="p", tokens=100, at=_BEFORE),
    command(
        "report_provider_price/1", **_MODEL, input_usd_per_mtok="2.00", output_usd_per_mtok="2.00",
        at=f"{DAY}T00:00:00Z",
    ),
    command("configure_asset/1", **_BOND, haircut_ppm=0, effective_date=DAY, at=_BEFORE),
    command("open_session/1", business_date=DAY, at=f"{DAY}T00:05:00Z"),
    command("report_asset_price/1", asset="BOND", price_usd="0.10", at=f"{DAY}T08:00:00Z"),
    command(
        "deposit_asset/1", reference="bB", account="B-H", asset="BOND", units=100_000,
        at=f"{DAY}T08:00:00Z",
    ),
    _trade("T1", lots=1_000_000, buyer="A", seller="D"),
    _trade("T2", lots=500_000, buyer="B", seller="E"),
    _trade("T3", lots=250_000, buyer="C", seller="E"),
    _close(DAY, NEXT),
    _contribution("fB", "B", cents=20_000_000, at=f"{NEXT}T09:00:00Z"),
    command("affiliate_member/1", member="A", group="G", at=f"{NEXT}T10:00:00Z"),
    command("affiliate_member/1", member="C", group="G", at=f"{NEXT}T10:00:00Z"),
    command(
        "withdraw_fund/1", reference="w0", member=None, amount_cents=30_000_000,
        at=f"{NEXT}T11:00:00Z",
    ),
    _close(NEXT, AFTER),
    command(
        "adjust_cash/1", reference="a1", debit_account="F-H", credit_account="A-H",
        amount_cents=6_000_000, reason="error", at=f"{AFTER}T09:00:00Z",
    ),
    command("declare_default/1", member="F", reason="cash", at=f"{AFTER}T10:00:00Z"),
    command(
        "configure_asset/1", **_BOND, haircut_ppm=500_000, effective_date=OPEN,
        at=f"{AFTER}T10:30:00Z",
    ),
    command("settle_default/1", member="F", at=f"{AFTER}T11:00:00Z"),
    _close(AFTER, OPEN),
]  # fmt: skip
