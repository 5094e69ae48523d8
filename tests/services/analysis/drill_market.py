"""A market for drills, worked by hand.

SITM26 settles at 200. Initial margin is 16 cents a lot (8 %). A-C is long 100 lots, A-D 10, C-H 60;
A-H is short 30 and B-H 140. Cash: A-H 500, A-C 1,000 and 5 BOND at $10 less 10 % (4,500 cents), A-D
9,000, B-H 3,000, C-H 1,000. Contributions: A 400, B 600, C 301, capital 300.

The floor of 100,000 is the fund's size: no scenario asks for more. By initial margin (A 2,240, B
2,240, C 960 of 5,440): A 41,177 (its remainder is B's, and it is first), B 41,176, C 17,647; D has
none and gets its own floor of 100. Assessed at most 1 % in a default: B 411, C 176, D 1.

`front_down_60` (at 80, 120 below): A-H 500 + 3,600 = 4,100; A-C 1,000 − 12,000 + 4,500 = −6,500;
A-D 9,000 − 1,200 = 7,800; C-H 1,000 − 7,200 = −6,200; B gains. `front_up_60` (at 320): B-H 3,000 −
16,800 = −13,800, the largest loss of all; A-H 500 − 3,600 = −3,100.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.by_paper import BY_PAPER_LINE
from tests.services.reports.small_market import DAY, NEXT, command

BEFORE: Final = "2026-06-05T12:00:00Z"
MORNING: Final = f"{DAY}T09:00:00Z"
THIRD: Final = "2026-06-10"
CASH: Final = {"A-H": 500, "A-C": 1_000, "A-D": 9_000, "B-H": 3_000, "C-H": 1_000}
FUND: Final = {"A": 400, "B": 600, "C": 301, None: 300}
DEALS: Final = (("A-C", "B-H", 100), ("A-D", "B-H", 10), ("B-H", "A-H", 30), ("C-H", "B-H", 60))
PARAMETERS: Final = {
    "fund_floor_cents": "100000", "fund_member_floor_cents": "100", "assessment_ppm": "10000",
}  # fmt: skip


def set_up() -> Iterator[bytes]:
    """Members, accounts, parameters, index, the opening of the first session."""
    yield BY_PAPER_LINE
    for name, value in PARAMETERS.items():
        own = {"parameter": name, "product": None, "value": value}
        yield command("configure/1", **own, effective_date="2020-01-01", at="2020-01-01T00:00:00Z")
    terms = {"haircut_ppm": 100_000, "share_ppm": 1_000_000, "fresh_hours": 48}
    yield command("configure_asset/1", asset="BOND", **terms, effective_date=DAY, at=BEFORE)
    for member in "ABCD":
        yield command("admit_member/1", member=member, name=member, at=BEFORE)
    for account in ("A-H", "A-C", "A-D", "B-H", "C-H", "D-H"):
        origin = "house" if account.endswith("H") else "customer"
        own = {"account": account, "member": account[0], "origin": origin, "owner": account}
        yield command("open_account/1", **own, at=BEFORE)
    model = {"product": "SIT", "provider": "p", "model": "m"}
    yield command("report_capability/1", **model, mmlu="86", humaneval="67", gsm8k="92", at=BEFORE)
    yield command("report_provider_volume/1", product="SIT", provider="p", tokens=1, at=BEFORE)
    usd = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "2.00"}
    yield command("report_provider_price/1", **model, **usd, at=f"{DAY}T00:00:00Z")
    yield command("open_session/1", business_date=DAY, at=f"{DAY}T00:05:00Z")


def deal(buyer: str, seller: str, lots: int, *, at: str, contract: str = "SITM26") -> bytes:
    """A trade at 2.00."""
    own = {"contract": contract, "price": "2.00", "lots": lots, "buyer": buyer, "seller": seller}
    name = f"{contract}-{buyer}-{seller}-{at[:10]}"
    return command("submit_trade/1", trade_id=name, **own, executed_at=at)


def close(day: str, following: str) -> bytes:
    """The close of a session."""
    own = {"business_date": day, "next_business_date": following, "at": f"{day}T21:00:00Z"}
    return command("close_session/1", **own)


def _lines() -> Iterator[bytes]:
    yield from set_up()
    for account, cents in CASH.items():
        own = {"reference": f"d-{account}", "account": account, "asset": "USD"}
        yield command("deposit_collateral/1", **own, amount_cents=cents, at=MORNING)
    for member, cents in FUND.items():
        yield command(
            "contribute_fund/1", reference=f"f-{member}", member=member, amount_cents=cents,
            at=MORNING,
        )  # fmt: skip
    yield command("report_asset_price/1", asset="BOND", price_usd="10", at=MORNING)
    units = {"reference": "u", "account": "A-C", "asset": "BOND", "units": 5}
    yield command("deposit_asset/1", **units, at=MORNING)
    for buyer, seller, lots in DEALS:
        yield deal(buyer, seller, lots, at=f"{DAY}T20:58:00Z")
    yield close(DAY, NEXT)


DRILL_MARKET: Final = [*_lines()]


def next_day() -> Iterator[bytes]:
    """C-H sells 10 lots to D-H at 200, which no cycle has marked yet; A is in default.

    A-C is at 1,000 − 1,500 = −500. The settlement of A is ordered. D opens another account.
    """
    at = f"{NEXT}T10:00:00Z"
    own = {"account": "D-C", "member": "D", "origin": "customer", "owner": "D-C"}
    yield command("open_account/1", **own, at=at)
    yield deal("D-H", "C-H", 10, at=at)
    yield command("declare_default/1", member="A", reason="call missed", at=at)
    moved = {"reference": "j", "debit_account": "A-C", "credit_account": "B-H"}
    yield command("adjust_cash/1", **moved, amount_cents=1_500, reason="x", at=at)
    yield command("settle_default/1", member="A", at=f"{NEXT}T11:00:00Z")


def closed_out(scenario: str) -> Iterator[bytes]:
    """Two real defaults, A and C, closed out as a drill closes them out, each position auctioned.

    What an account's positions lose at the scenario's price it pays to the taker, D-H.
    """
    at = f"{NEXT}T10:00:00Z"
    change = {"front_down_60": -120, "front_up_60": 120}[scenario]
    lots = {"A-C": 100, "A-D": 10, "A-H": -30, "C-H": 60}
    for member in "AC":
        yield command("declare_default/1", member=member, reason="x", at=at)
    for account, signed in lots.items():
        own = {"reference": f"a-{account}", "account": account, "to_account": "D-H"}
        yield command("auction_account/1", **own, payment_cents=-signed * change, at=at)
    sold = {"reference": "l", "account": "A-C", "asset": "BOND", "units": 5}
    yield command("liquidate_asset/1", **sold, proceeds_cents=4_500, at=at)


def settled(members: str) -> Iterator[bytes]:
    """The settlements ordered one after the other, and the cycle that makes them."""
    for minute, member in enumerate(members):
        yield command("settle_default/1", member=member, at=f"{NEXT}T11:0{minute}:00Z")
    yield command("run_cycle/1", cycle="noon", at=f"{NEXT}T12:00:00Z")


def huge() -> Iterator[bytes]:
    """B sells 4 · 10¹⁶ lots of each of three contracts to D: at 50 % more it loses 1.2 · 10¹⁹."""
    yield from set_up()
    for contract in ("SITM26", "SITN26", "SITQ26"):
        yield deal("D-H", "B-H", 4 * 10**16, at=f"{DAY}T20:58:00Z", contract=contract)
    yield close(DAY, NEXT)
