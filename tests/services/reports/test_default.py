"""What reports say of a default, with the values that default_market.py works by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.audit.verify import verify
from services.journal.embedded import EmbeddedServer
from services.reports.report import ReportRequest, UnknownSubject
from services.reports.table import REPORTS
from services.reports.trade import ClearedTrade, SideHolder, Version
from services.reports.view import JournalView
from tests.services.reports import default_market
from tests.services.reports.asking import columns, made
from tests.services.reports.conftest import cleared_once
from tests.services.reports.default_market import DEFAULT_MARKET
from tests.test_scenarios import HERE, lines_of

FIRST, SECOND = date.fromisoformat(default_market.FIRST), date.fromisoformat(default_market.SECOND)
_SUMMED: Final = ("opening_cents", "variation_cents", "deposits_cents", "other_cents")


@pytest.fixture(scope="module")
def in_default(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the market of a default."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("default"), DEFAULT_MARKET)


@pytest.fixture
def view(in_default: str) -> Iterator[JournalView]:
    """The market of a default as it stands."""
    with JournalView(in_default) as opened:
        yield opened


def test_the_journal_of_a_default_is_verified(in_default: str) -> None:
    assert verify(in_default) + verify(in_default, from_snapshot=True) == []


def test_a_ported_account_is_each_members_for_its_part_of_the_date(view: JournalView) -> None:
    report = made(view, "statement", business_date=SECOND)
    rows = columns(report, "member", "cycle", "account", "cash_cents", line="balance")
    assert [row for row in rows if row[2] == "A-C"] == [
        ("A", "noon", "A-C", 10_000), ("B", "later", "A-C", 9_500), ("B", "close", "A-C", 9_500),
    ]  # fmt: skip


def test_the_summaries_of_both_members_count_the_cash_that_went_with_the_account(
    view: JournalView,
) -> None:
    report = made(view, "statement", business_date=SECOND)
    rows = columns(report, "member", "origin", *_SUMMED, "closing_cents", line="summary")
    assert rows == [
        ("A", "customer", 12_000, -2_000, 0, -10_000, 0),
        ("A", "house", 17_000, -20_000, 0, -500 + 1_900 + 1_600, 0),
        ("B", "customer", 0, -500, 0, 10_000, 9_500),
        ("B", "house", 50_000, 25_005, 0, None, 75_005),
        ("C", "house", 50_000, -2_505, 0, 500, 47_995),
    ]


def test_a_statement_of_both_dates_begins_with_the_first_member(view: JournalView) -> None:
    report = made(view, "statement", business_date=SECOND, since=FIRST, member="B")
    rows = columns(report, "line", "business_date", "origin", "account", "cycle", *_SUMMED)
    assert [row[2:] for row in rows if row[0] == "summary"] == [
        ("customer", None, None, 0, -500, 0, 10_000),
        ("house", None, None, 50_000, 25_005, 0, None),
    ]  # fmt: skip
    cycles = [row[4] for row in rows if row[0] == "balance" and row[3] == "A-C"]
    assert cycles == ["later", "close"]


def test_a_statement_of_the_member_that_an_account_left_ends_with_its_leaving(
    view: JournalView,
) -> None:
    report = made(view, "statement", business_date=SECOND, member="A")
    rows = columns(report, "line", "account", "cycle", "units", "amount_cents")
    assert [row[:1] + row[3:] for row in rows if row[1] == "A-C" and row[2] is None] == [
        ("account_ported", None, -10_000)
    ]
    assert [row[:1] + row[3:] for row in rows if row[1] == "A-H" and row[2] is None] == [
        ("margin_called", None, 15_400),
        ("margin_call_missed", None, None),
        ("account_auctioned", None, -500),
        ("position_taken_over", None, None),
        ("asset_moved", -2, None),
        ("asset_moved", None, 1_900),
        ("waterfall_applied", None, 1_600),
    ]


def test_members_have_the_accounts_that_they_had_at_the_cycle(view: JournalView) -> None:
    second = made(view, "members", business_date=SECOND)
    names = ("member", "origin", "accounts", "initial_cents", "on_deposit_cents")
    assert columns(second, *names) == [
        ("A", "house", 1, 0, 0), ("B", "customer", 1, 1_400, 9_500),
        ("B", "house", 1, 11_214, 75_005), ("C", "house", 1, 9_814, 47_995),
    ]  # fmt: skip
    first = made(view, "members", business_date=FIRST)
    assert columns(first, "member", "origin", "initial_cents")[0] == ("A", "customer", 1_600)


def test_reports_of_a_member_have_the_accounts_that_it_had_then(view: JournalView) -> None:
    first = made(view, "trades", business_date=FIRST, member="A")
    assert columns(first, "trade_id") == [("T1",), ("T2",)]
    first = made(view, "trades", business_date=FIRST, member="B")
    assert columns(first, "trade_id") == [("T1",)]


def test_the_fund_is_told_by_date_and_member_and_for_the_capital(view: JournalView) -> None:
    report = made(view, "fund", business_date=SECOND, since=FIRST)
    names = ("business_date", "member", "line", "waterfall_cents", "contribution_cents")
    rows = columns(report, *names, "required_cents", "lacking_cents")
    assert [row for row in rows if row[2] in {"fund", "contribution", "capital"}] == [
        (FIRST, None, "fund", None, 2_000, 125_840, 123_840),
        (FIRST, "A", "contribution", None, 1_000, 62_920, 61_920),
        (FIRST, "B", "contribution", None, 600, 57_200, 56_600),
        (FIRST, "C", "contribution", None, 400, 5_720, 5_320),
        (FIRST, None, "capital", None, 300, None, None),
        (SECOND, None, "fund", None, 62_620, 80_181, 29_392),
        (SECOND, "A", "contribution", -1_000, 0, None, None),
        (SECOND, "B", "contribution", -273, 56_927, 45_096, 0),
        (SECOND, "C", "contribution", -27, 5_693, 35_085, 29_392),
        (SECOND, None, "capital", -300, 0, None, None),
    ]


def test_a_call_of_the_fund_is_told_with_its_end(view: JournalView) -> None:
    report = made(view, "fund", business_date=SECOND)
    names = ("member", "call", "status", "amount_cents", "remaining_cents")
    assert columns(report, *names, line="call") == [
        ("A", "fund/A/2026-06-08", "missed", None, 61_920),
        ("B", "fund/B/2026-06-08", "met", None, 0),
        ("C", "fund/C/2026-06-09", "open", 29_392, 29_392),
    ]


def test_what_moved_the_fund_stands_in_order(view: JournalView) -> None:
    report = made(view, "fund", business_date=SECOND, member="A")
    rows = columns(report, "line", "amount_cents", "remaining_cents", "reference", "reason")
    assert rows[3:] == [
        ("fund_withdrawal_pending", 100, None, "w-A", None),
        ("fund_call_missed", None, 61_920, "fund/A/2026-06-08", None),
        ("fund_waterfall", -1_000, None, "A", None),
        ("fund_withdrawal_refused", 100, None, "w-A", "member_defaulted"),
    ]


def test_a_statement_has_the_contribution_over_its_dates(view: JournalView) -> None:
    report = made(view, "statement", business_date=SECOND, since=FIRST, member="C")
    names = ("opening_cents", "deposits_cents", "other_cents", "closing_cents")
    own = ("fund_required_cents", "deficit_cents", "calls_remaining_cents", "deadline")
    assert columns(report, *names, *own, line="fund") == [
        (400, 5_320, -27, 5_693, 35_085, 29_392, 29_392, "2026-06-10T13:00:00Z")
    ]
    report = made(view, "statement", business_date=SECOND, member="C")
    assert columns(report, "reference", "amount_cents", line="fund_waterfall") == [("A", -27)]
    report = made(view, "statement", business_date=SECOND, account="C-H")
    assert columns(report, "member", line="fund") == []


def test_members_have_their_part_of_the_fund_once(view: JournalView) -> None:
    report = made(view, "members", business_date=SECOND)
    names = ("contribution_cents", "fund_required_cents", "fund_remaining_cents")
    assert columns(report, "member", "origin", *names) == [
        ("A", "house", 0, None, None), ("B", "customer", 56_927, 45_096, None),
        ("B", "house", None, None, None), ("C", "house", 5_693, 35_085, 29_392),
    ]  # fmt: skip


def test_a_default_is_summed_up_with_who_paid(view: JournalView) -> None:
    report = made(view, "default", member="A", business_date=SECOND)
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    names = ("status", "since", "at", "settled_at", "loss_cents", "reason")
    assert [tuple(row[name] for name in names) for row in rows if row["line"] == "default"] == [
        ("settled", "2026-06-08T21:00:00Z", "2026-06-09T14:00:00Z", "2026-06-09T15:30:00Z",
         1_600, "missed its calls")
    ]  # fmt: skip
    paid = [(row["layer"], row["payer"], row["amount_cents"]) for row in rows if row["layer"]]
    assert paid == [
        ("member_fund", "A", 1_000), ("house_capital", None, 300), ("other_funds", "B", 273),
        ("other_funds", "C", 27),
    ]  # fmt: skip


def test_a_default_is_told_row_by_row_from_the_missed_call(view: JournalView) -> None:
    report = made(view, "default", business_date=SECOND)
    rows = columns(report, "shard", "step", "account", "to_account", "amount_cents", line="fact")
    assert rows == [
        ("member/0", "fund_called", None, None, 61_920),
        ("member/0", "fund_withdrawal_pending", None, None, 100),
        ("member/0", "margin_called", "A-H", None, 15_400),
        ("control/0", "member_defaulted", None, None, None),
        ("member/0", "margin_call_missed", "A-H", None, 15_400),
        ("member/0", "fund_call_missed", None, None, 61_920),
        ("control/0", "account_ported", "A-C", None, None),
        ("market/SIT", "trade_novated", "A-H", "B-H", None),
        ("control/0", "command_refused", None, None, None),
        ("control/0", "account_auctioned", "A-H", "C-H", 500),
        ("market/SIT", "position_taken_over", "A-H", "C-H", None),
        ("member/0", "asset_moved", "A-H", None, None),
        ("control/0", "default_settlement_ordered", None, None, None),
        ("member/0", "waterfall_applied", None, None, 1_600),
        ("member/0", "fund_withdrawal_refused", None, None, 100),
    ]


def test_every_cent_of_a_default_has_its_posting(view: JournalView) -> None:
    report = made(view, "default", business_date=SECOND)
    rows = columns(report, "debit", "credit", "amount_cents", line="posting")
    assert rows == [
        ("cash:A-H", "house:variation:SIT", 20_000), ("cash:A-C", "house:variation:SIT", 2_000),
        ("cash:A-H", "cash:C-H", 500), ("house:bank", "cash:A-H", 1_900),
        ("fund:A", "house:default:A", 1_000), ("house:capital", "house:default:A", 300),
        ("fund:B", "house:default:A", 273), ("fund:C", "house:default:A", 27),
        ("house:default:A", "cash:A-H", 1_600),
    ]  # fmt: skip


def test_the_commands_of_a_default_stand_with_their_bytes(view: JournalView) -> None:
    report = made(view, "default", business_date=SECOND)
    commands = [
        json.loads(str(line))["type"] for (line,) in columns(report, "input", line="command")
    ]
    assert commands == [
        "close_session/1", "withdraw_fund/1", "run_cycle/1", "declare_default/1", "port_account/1",
        "submit_trade/1", "auction_account/1", "auction_account/1", "liquidate_asset/1",
        "settle_default/1", "run_cycle/1",
    ]  # fmt: skip


def test_of_a_member_that_stands_there_is_no_default_to_tell(view: JournalView) -> None:
    with pytest.raises(UnknownSubject, match="member B is not in default; A is"):
        list(made(view, "default", business_date=SECOND, member="B").rows)


def test_a_default_is_told_as_far_as_a_date(view: JournalView) -> None:
    assert list(made(view, "default", business_date=FIRST).rows) == []


def test_the_extract_of_a_trade_goes_on_with_who_took_it_over(view: JournalView) -> None:
    report = REPORTS["trade"].make(view, ReportRequest(SECOND, options={"trade": "T1"}))
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    names = ("cycle", "account", "amount_cents", "trade_cents")
    assert [tuple(row[name] for name in names) for row in rows if row["trade_cents"]] == [
        ("noon", "A-H", -20_000, -20_000), ("noon", "B-H", 20_000, 20_000),
        ("later", "B-H", 5_005, 5_000), ("later", "C-H", -4_505, -5_000),
    ]  # fmt: skip
    moved = ("step", "lots", "from_account", "to_account", "reference")
    assert [tuple(row[name] for name in moved) for row in rows if row["from_account"]] == [
        ("position_taken_over", 800, "A-H", "C-H", "a1")
    ]


def test_the_extract_of_a_trade_ends_with_the_waterfall_of_its_defaulter(view: JournalView) -> None:
    report = REPORTS["trade"].make(view, ReportRequest(SECOND, options={"trade": "T1"}))
    rows = columns(report, "step", "debit", "credit", "amount_cents", "reference")
    assert [row[1:] for row in rows if row[0] in {"posting", "waterfall_applied"} and row[4]] == [
        ("cash:A-H", "cash:C-H", 500, "a1"), (None, None, 1_600, "A"),
        ("house:default:A", "cash:A-H", 1_600, "A"),
    ]  # fmt: skip


def test_a_trade_of_others_has_no_takeover_in_its_extract(view: JournalView) -> None:
    report = REPORTS["trade"].make(view, ReportRequest(SECOND, options={"trade": "T3"}))
    steps = {step for (step,) in columns(report, "step")}
    assert not steps & {"position_taken_over", "waterfall_applied"}


def test_what_changes_a_trade_after_its_takeover_is_its_first_buyers() -> None:
    # 10 lots at 200, taken over from A by C; then adjusted to 203, then bust.
    versions = [Version(1, 200), Version(8, 203), Version(10, None)]
    buyers, sellers = [SideHolder(1, "A"), SideHolder(5, "C")], [SideHolder(1, "B")]
    trade = ClearedTrade({"lots": 10, "trade_id": "T"}, versions, buyers, sellers)
    cycles = [trade.add_variation(seq, mark) for seq, mark in ((3, 210), (7, 215), (9, 215))]
    assert cycles == [
        {"A": 100, "B": -100}, {"A": 0, "C": 50, "B": -50}, {"A": -30, "C": 0, "B": 30},
    ]  # fmt: skip
    assert trade.add_variation(11, 220) == {"A": -120, "C": 0, "B": 120}


def test_the_register_has_the_position_that_was_taken_over(view: JournalView) -> None:
    report = made(view, "trades", business_date=SECOND, account="C-H")
    assert columns(report, "event", "trade_id", "lots", "price_ticks", "buyer", "seller") == [
        ("trade_novated", "T3", 1, 180, "C-H", "B-H"),
        ("position_taken_over", "a1", 800, None, "C-H", "A-H"),
    ]


def test_a_statement_has_the_position_that_was_taken_over_on_both_sides(view: JournalView) -> None:
    report = made(view, "statement", business_date=SECOND)
    rows = columns(report, "account", "contract", "lots", "reference", line="position_taken_over")
    assert rows == [("A-H", "SITM26", -800, "a1"), ("C-H", "SITM26", 800, "a1")]


def test_the_ledger_of_a_member_has_its_contribution_and_its_default(view: JournalView) -> None:
    report = made(view, "postings", business_date=SECOND, member="C")
    rows = columns(report, "debit", "credit", "amount_cents")
    assert ("house:bank", "fund:C", 5_320) in rows
    assert ("fund:C", "house:default:A", 27) in rows
    report = made(view, "postings", business_date=SECOND, member="A")
    rows = columns(report, "debit", "credit", "amount_cents")
    assert ("house:capital", "house:default:A", 300) in rows


def test_the_part_of_an_auction_that_was_refused_stands_in_refusals(view: JournalView) -> None:
    report = made(view, "refusals", business_date=SECOND)
    rows = columns(report, "command_type", "reference", "reason", "detail")
    assert rows == [
        ("auction_account/1", "a0", "member_defaulted", "member A is in default"),
        (
            "withdraw_fund/1",
            "w-A",
            "member_defaulted",
            "$1.00 of A, refused by the cycle in this line",
        ),
    ]


def test_several_defaults_are_told_one_after_the_other(
    postgres: EmbeddedServer, tmp_path: Path
) -> None:
    name = "two_settlements_in_the_order_of_the_commands"
    market = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    rows: list[tuple[object, ...]] = []
    for url in cleared_once(postgres, tmp_path, lines_of(market)):
        with JournalView(url) as opened:
            report = made(opened, "default", business_date=FIRST)
            rows = columns(report, "line", "member", "layer", "payer", "amount_cents", "loss_cents")
    assert [(row[1], row[5]) for row in rows if row[0] == "default"] == [("A", 150), ("B", 70)]
    assert [row[1:5] for row in rows if row[0] == "payment"] == [
        ("A", "member_fund", "A", 10), ("A", "other_funds", "C", 80), ("A", "uncovered", None, 60),
        ("B", "member_fund", "B", 30), ("B", "house_capital", None, 20),
        ("B", "other_funds", "C", 20),
    ]  # fmt: skip
