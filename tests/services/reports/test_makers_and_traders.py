"""Reports of makers and of large traders on a market of ten minutes, worked by hand.

The session runs from 00:05 to 00:15. A-H, a maker of SIT, quotes SITM26 from 00:07: 480 of 600 s,
80 %; SITN26 from 00:08: 420 s, 70 %; A has reported $49 M. The owner `fund` has accounts with both
members: of SITM26 60 and 50 lots long and 10 short, of SITN26 1 long. B-H is short 110 lots. The
level is 110 lots; the open interest of SITM26 is 60 + 50 + 10 = 120.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.formats import table_lines
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.conftest import cleared_once
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
ALL: Final = (
    "SITM26", "SITN26", "SITQ26", "SITU26", "SITV26",
    "SITX26", "SITZ26", "SITH27", "SITM27", "SITU27",
)  # fmt: skip
MINUTE: Final = 60 * 10**9


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


@pytest.fixture(scope="module")
def makers_view(
    postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JournalView]:
    """The market as it stands after its close."""
    for url in cleared_once(postgres, tmp_path_factory.mktemp("makers"), [*_lines()]):
        with JournalView(url) as opened:
            yield opened


def test_a_makers_scores_stand_with_their_shares(makers_view: JournalView) -> None:
    report = made(makers_view, "makers")
    names = ("account", "member", "contract", "scored_ns", "quoted_ns", "share_ppm", "is_met")
    assert columns(report, *names, line="score") == [
        ("A-H", "A", "SITM26", 10 * MINUTE, 8 * MINUTE, 800_000, True),
        ("A-H", "A", "SITN26", 10 * MINUTE, 7 * MINUTE, 700_000, False),
        *[("A-H", "A", name, 10 * MINUTE, 0, 0, False) for name in ALL[2:]],
    ]


def test_a_makers_obligations_are_met_or_missed(makers_view: JournalView) -> None:
    report = made(makers_view, "makers", member="A")
    names = ("product", "obligation", "is_met", "contracts", "net_capital_cents")
    assert columns(report, *names, line="obligation") == [
        ("SIT", "quoting", False, ",".join(ALL[1:]), None),
        ("SIT", "net_capital", False, None, 4_900_000_000),
    ]


def test_makers_are_asked_for_by_account_and_contract(makers_view: JournalView) -> None:
    assert columns(made(makers_view, "makers", account="B-H"), "line") == []
    of_contract = made(makers_view, "makers", contract="SITN26")
    assert columns(of_contract, "line", "contract") == [("score", "SITN26")]


def test_people_read_hours_minutes_and_seconds(makers_view: JournalView) -> None:
    text = "\n".join(table_lines(made(makers_view, "makers")))
    assert "0:10:00  0:08:00  80.00 %  yes" in text
    assert "$49,000,000.00" in text


def test_an_owner_is_added_up_over_accounts_of_several_members(makers_view: JournalView) -> None:
    report = made(makers_view, "large-traders")
    names = ("owner", "contract", "accounts", "long_lots", "long_share_ppm", "short_lots")
    assert columns(report, *names, "short_share_ppm", "open_interest_lots") == [
        ("fund", "SITM26", 3, 110, 916_666, 10, 83_333, 120),
        # Less than the level, but reported with all of the product.
        ("fund", "SITN26", 1, 1, 1_000_000, 0, 0, 1),
        ("o-B-H", "SITM26", 1, 0, 0, 110, 916_666, 120),
    ]


def test_large_traders_are_asked_for_by_contract(makers_view: JournalView) -> None:
    report = made(makers_view, "large-traders", contract="SITN26")
    assert columns(report, "owner", "contract", "reportable_lots") == [("fund", "SITN26", 110)]


def test_nobody_is_large_below_the_level(view: JournalView) -> None:
    assert columns(made(view, "large-traders"), "owner") == []
    assert columns(made(view, "makers"), "account") == []
