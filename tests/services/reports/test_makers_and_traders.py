"""Reports of makers and of large traders on the market that makers_market.py works by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.formats import table_lines
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.conftest import cleared_once
from tests.services.reports.makers_market import MAKERS_MARKET

ALL: Final = (
    "SITM26", "SITN26", "SITQ26", "SITU26", "SITV26",
    "SITX26", "SITZ26", "SITH27", "SITM27", "SITU27",
)  # fmt: skip
MINUTE: Final = 60 * 10**9


@pytest.fixture(scope="module")
def makers_view(
    postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JournalView]:
    """The market as it stands after its close."""
    for url in cleared_once(postgres, tmp_path_factory.mktemp("makers"), MAKERS_MARKET):
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
