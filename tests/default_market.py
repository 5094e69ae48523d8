"""A market of two days in which two members fail at once and every layer of the waterfall pays.

Out: its command lines; which of them applies the waterfalls; what the layers are, by hand.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.by_paper import BY_PAPER

FRIDAY: Final = "2026-06-05T12:00:00Z"
MONDAY, TUESDAY, WEDNESDAY = "2026-06-08", "2026-06-09", "2026-06-10"
NOON: Final = {"type": "run_cycle/1", "cycle": "noon", "at": f"{TUESDAY}T12:00:00Z"}
# A's house account has 1,200 and pays 200 for its auction; its customer lacks 50,500,000. Each of
# four members is required a quarter of the floor of 100,000,000: C and D are assessed that much.
LAYERS_OF_A: Final = [
    ("member_house", "A", 1_000),
    ("member_fund", "A", 50_000),
    ("house_capital", None, 30_000),
    ("other_funds", "C", 70_000),
    ("other_funds", "D", 30_000),
    ("assessment", "C", 25_000_000),
    ("assessment", "D", 25_000_000),
    ("uncovered", None, 319_000),
]
# B's house account lacks 700. Of funds and capital nothing is left.
LAYERS_OF_B: Final = [("assessment", "C", 350), ("assessment", "D", 350)]


def default_market() -> list[bytes]:
    """The lines of the market."""
    commands = [BY_PAPER, *_founded(), *_first_day(), *_second_day()]
    return [json.dumps(command).encode() for command in commands]


def layers_of(waterfall: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    """The layers of a fact, as they stand above."""
    return [
        (layer["layer"], layer["member"], layer["amount_cents"]) for layer in waterfall["layers"]
    ]


def _founded() -> list[dict[str, Any]]:
    """Members, accounts, cash and contributions."""
    members = [
        {"type": "admit_member/1", "member": name, "name": name, "at": FRIDAY} for name in "ABCD"
    ]
    accounts = [
        {"type": "open_account/1", "account": name, "member": name[0], "owner": name, "at": FRIDAY}
        | {"origin": "house" if name.endswith("H") else "customer"}
        for name in ("A-H", "A-C", "A-P", "B-H", "C-H", "D-H")
    ]
    usd = {"type": "deposit_collateral/1", "asset": "USD", "at": FRIDAY}
    fund = {"type": "contribute_fund/1", "at": FRIDAY}
    shares = (("A", 50_000), (None, 30_000), ("C", 70_000), ("D", 30_000))
    return [
        *members,
        *accounts,
        {**usd, "reference": "d1", "account": "A-H", "amount_cents": 1_200},
        {**usd, "reference": "d2", "account": "A-P", "amount_cents": 777},
        *(
            {**fund, "reference": f"f{number}", "member": member, "amount_cents": cents}
            for number, (member, cents) in enumerate(shares)
        ),
    ]


def _first_day() -> list[dict[str, Any]]:
    """A session that closes, so that something is required of each member."""
    return [
        {"type": "open_session/1", "business_date": MONDAY, "at": f"{MONDAY}T00:05:00Z"},
        _close(MONDAY, TUESDAY),
    ]


def _second_day() -> list[dict[str, Any]]:
    """A trade, two losses, two defaults with every step, the cycle that settles them, a close."""
    at = {"at": f"{TUESDAY}T11:00:00Z"}
    trade = {"type": "submit_trade/1", "trade_id": "T1", "contract": "SITM26", "price": "2.00"}
    loss = {"type": "adjust_cash/1", "credit_account": "D-H", "reason": "x", **at}
    auction = {"type": "auction_account/1", "reference": "o1", "account": "A-H"}
    return [
        {**trade, "lots": 10, "buyer": "A-H", "seller": "C-H", "executed_at": at["at"]},
        {**loss, "reference": "j1", "debit_account": "A-C", "amount_cents": 50_500_000},
        {**loss, "reference": "j2", "debit_account": "B-H", "amount_cents": 700},
        *({"type": "declare_default/1", "member": name, "reason": "x", **at} for name in "AB"),
        {"type": "port_account/1", "reference": "p1", "account": "A-P", "to_member": "C", **at},
        {**auction, "to_account": "D-H", "payment_cents": 200, **at},
        *({"type": "settle_default/1", "member": name, **at} for name in "AB"),
        NOON,
        _close(TUESDAY, WEDNESDAY),
    ]


def _close(day: str, following: str) -> dict[str, Any]:
    days = {"business_date": day, "next_business_date": following}
    return {"type": "close_session/1", **days, "at": f"{day}T21:00:00Z"}
