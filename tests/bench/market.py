"""A market for benches: members, accounts, an index, and trades by the million around one price.

One seed gives one file. Prices stay inside the limits, so that every trade is cleared; buyers and
sellers are drawn over all accounts; trade ids are unique.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

DAY: Final = "2026-06-08"
CONTRACTS: Final = (
    "SITM26", "SITN26", "SITQ26", "SITU26", "SITV26",
    "SITX26", "SITZ26", "SITH27", "SITM27", "SITU27",
)  # fmt: skip
MEMBERS: Final = 20


def _line(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def account_name(number: int) -> str:
    """The name of the nth account."""
    return f"A{number:07d}"


def opening(accounts: int, *, cash_cents: int = 10**12) -> Iterator[bytes]:
    """Members, accounts with cash, an index at 2.07, the first session."""
    at = f"{DAY}T00:00:00Z"
    for number in range(MEMBERS):
        yield _line("admit_member/1", member=f"M{number:02d}", name=f"Member {number}", at=at)
    for number in range(accounts):
        name = account_name(number)
        yield _line(
            "open_account/1",
            account=name,
            member=f"M{number % MEMBERS:02d}",
            origin="customer",
            owner=f"o{number}",
            at=at,
        )
        if cash_cents:
            yield _line(
                "deposit_collateral/1",
                reference=f"d{number}",
                account=name,
                asset="USD",
                amount_cents=cash_cents,
                at=at,
            )
    model = {"product": "SIT", "provider": "p", "model": "m"}
    yield _line("report_capability/1", **model, mmlu="86", humaneval="67", gsm8k="92", at=at)
    yield _line("report_provider_volume/1", product="SIT", provider="p", tokens=1, at=at)
    yield _line(
        "report_provider_price/1",
        **model,
        input_usd_per_mtok="2.07",
        output_usd_per_mtok="2.07",
        at=at,
    )
    yield session()


def trades(
    count: int, accounts: int, *, first: int = 0, day: str = DAY, seed: int = 1
) -> Iterator[bytes]:
    """So many ordinary trades over all contracts. first: the number of the first, in its id."""
    draw = random.Random(seed + first)  # noqa: S311 - a bench draws no secrets
    for number in range(count):
        buyer = draw.randrange(accounts)
        seller = (buyer + 1 + draw.randrange(accounts - 1)) % accounts
        micros = number * 72_000_000_000 // count
        seconds, rest = divmod(micros, 1_000_000)
        hours, minutes = divmod(seconds // 60, 60)
        yield (
            f'{{"type": "submit_trade/1", "trade_id": "T{first + number:09d}", '
            f'"contract": "{CONTRACTS[number % 10]}", "price": "{_price(draw)}", '
            f'"lots": {draw.randrange(1, 500)}, "buyer": "{account_name(buyer)}", '
            f'"seller": "{account_name(seller)}", '
            f'"executed_at": "{day}T{hours:02d}:{minutes:02d}:{seconds % 60:02d}.{rest:06d}Z"}}'
        ).encode()


def _price(draw: random.Random) -> str:
    ticks = draw.randrange(197, 218)
    return f"{ticks // 100}.{ticks % 100:02d}"


def session(day: str = DAY) -> bytes:
    """The opening of a day."""
    return _line("open_session/1", business_date=day, at=f"{day}T00:05:00Z")


def closing(day: str = DAY, following: str = "2026-06-09") -> bytes:
    """The close of a day."""
    return _line(
        "close_session/1", business_date=day, next_business_date=following, at=f"{day}T21:00:00Z"
    )


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    """A file of these lines."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
    return path
