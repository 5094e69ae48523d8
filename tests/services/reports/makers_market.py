"""A market of ten minutes with a maker and a large trader, worked by hand.

The session runs from 00:05 to 00:15. A-H, a maker of SIT, quotes SITM26 from 00:07: 480 of 600 s,
80 %; SITN26 from 00:08: 420 s, 70 %; A has reported $49 M. The owner `fund` has accounts with both
members: of SITM26 60 and 50 lots long and 10 short, of SITN26 1 long. B-H is short 110 lots. The
level is 110 lots; the open interest of SITM26 is 60 + 50 + 10 = 120.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.services.reports.small_market import DAY, NEXT, command

BEFORE: Final = "2026-06-05T12:00:00Z"
ACCOUNTS: Final = (
    ("A-H", "A", "house", "o-A-H"),
    ("B-H", "B", "house", "o-B-H"),
    ("A-C1", "A", "customer", "fund"),
    ("A-C2", "A", "customer", "fund"),
    ("B-C", "B", "customer", "fund"),
)
DEALS: Final = (
    ("SITM26", 60, "A-C1", "B-H"),
    ("SITM26", 50, "B-C", "B-H"),
    ("SITM26", 10, "A-H", "A-C2"),
    ("SITN26", 1, "A-C1", "A-H"),
)


def _lines() -> Iterator[bytes]:
    level = {"parameter": "reportable_lots", "product": "SIT", "value": "110"}
    yield command("configure/1", **level, effective_date=DAY, at=BEFORE)
    for member in "AB":
        yield command("admit_member/1", member=member, name=member, at=BEFORE)
    for account, member, origin, owner in ACCOUNTS:
        own = {"account": account, "member": member, "origin": origin, "owner": owner}
        yield command("open_account/1", **own, at=BEFORE)
    model = {"product": "SIT", "provider": "p", "model": "m", "at": BEFORE}
    yield command("report_capability/1", **model, mmlu="86", humaneval="67", gsm8k="92")
    yield command("report_provider_volume/1", product="SIT", provider="p", tokens=1, at=BEFORE)
    usd = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "2.00"}
    yield command("report_provider_price/1", **{**model, "at": f"{DAY}T00:00:00Z"}, **usd)
    yield command("designate_maker/1", account="A-H", product="SIT", at=BEFORE)
    yield command("report_net_capital/1", member="A", amount_cents=4_900_000_000, at=BEFORE)
    yield command("open_session/1", business_date=DAY, at=f"{DAY}T00:05:00Z")
    for contract, minute in (("SITM26", 7), ("SITN26", 8)):
        yield command(
            "submit_quote/1", maker="A-H", contract=contract, bid="1.99", bid_lots=50,
            ask="2.01", ask_lots=50, at=f"{DAY}T00:{minute:02d}:00Z",
        )  # fmt: skip
    for number, (contract, lots, buyer, seller) in enumerate(DEALS):
        yield command(
            "submit_trade/1", trade_id=f"T{number}", contract=contract, price="2.00", lots=lots,
            buyer=buyer, seller=seller, executed_at=f"{DAY}T00:09:00Z",
        )  # fmt: skip
    days = {"business_date": DAY, "next_business_date": NEXT}
    yield command("close_session/1", **days, at=f"{DAY}T00:15:00Z")


MAKERS_MARKET: Final[list[bytes]] = [*_lines()]
