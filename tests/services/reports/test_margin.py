"""What a portfolio would ask, and where a call comes from, on the small market.

After the close A-H is long 1005 lots at 202: ceil(1005 · 202 · 8 %) = 16,241 cents, maintenance
ceil(12,180.75) = 12,181; its cash is 1,000,000 + 2,000 − 0 = 1,002,000 (T1 gained 2 a lot; T3 was
bought at the settlement price). B-H is short as many; the next day it gives 5 lots to B-C.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.analysis.portfolio import SupposedTrade, parse_trade, positions_of_file
from services.analysis.what_if import WhatIf, what_if
from services.cli import cli
from services.reports.margin_call import CALL_REPORT
from services.reports.report import Report, ReportRequest, UnknownSubject
from services.reports.view import JournalView
from services.sources.named_columns import CsvTrouble
from tests.services.reports.asking import DAY, columns

TOTALS = ("step", "initial_cents", "maintenance_cents", "equity_cents", "excess_cents")


def answer(
    view: JournalView,
    account: str | None,
    *trades: SupposedTrade,
    models: list[str] | None = None,
    day: date | None = None,
) -> Report:
    return what_if(view, WhatIf(account, trades, models, day))


def totals(report: Report) -> list[tuple[object, ...]]:
    rows = columns(report, *TOTALS)
    return [row for row in rows if row[0] in ("before", "after", "difference")]


def test_selling_half_halves_the_requirement(view: JournalView) -> None:
    """505 lots are left: 505 · 202 · 8 % = 8,160.8; sold at 200, 2 below the mark: −1,000 cents."""
    report = answer(view, "A-H", SupposedTrade("SITM26", -500, 200))
    assert totals(report) == [
        ("before", 16_241, 12_181, 1_002_000, 985_759),
        ("after", 8_161, 6_121, 1_001_000, 992_839),
        ("difference", -8_080, -6_060, -1_000, 7_080),
    ]


def test_positions_stand_with_mark_and_loss(view: JournalView) -> None:
    report = answer(view, "A-H", SupposedTrade("SITM26", -1005), SupposedTrade("SITN26", 10))
    shown = columns(report, "step", "contract", "lots", "mark_ticks", "margin_cents", "loss_ppm")
    assert [row for row in shown if row[1] is not None] == [
        ("position before", "SITM26", 1005, 202, 16_241, 80_000),
        # SITN26 settles by tier 3: 201 + 1, as M26 has moved from 201 to 202.
        ("position after", "SITN26", 10, 202, 162, 80_000),
    ]


def test_as_of_a_close_the_transfer_of_the_next_day_has_not_come(view: JournalView) -> None:
    now, then = answer(view, "B-C"), answer(view, "B-C", day=DAY)
    assert totals(now)[0][:2] == ("before", 81)  # 5 · 202 · 8 % = 80.8
    assert totals(then)[0][:2] == ("before", 0)


def test_a_portfolio_of_its_own_starts_flat(view: JournalView) -> None:
    report = answer(view, None, SupposedTrade("SITM26", -3), models=["paper"])
    assert totals(report)[1] == ("after", 49, 37, 0, -49)  # 3 · 202 · 8 % = 48.48; 36.75


@pytest.mark.parametrize(
    ("account", "trade", "words"),
    [
        ("X", SupposedTrade("SITM26", 1), "no account X"),
        ("A-H", SupposedTrade("SITF20", 1), "SITF20 is not listed; listed are SITH27"),
        ("A-H", SupposedTrade("SITM26", 10**17), "their margin is beyond int64"),
    ],
)
def test_what_is_not_there_is_named(
    view: JournalView, account: str, trade: SupposedTrade, words: str
) -> None:
    with pytest.raises(UnknownSubject, match=words):
        answer(view, account, trade)


def test_trades_and_files_are_read(tmp_path: Path) -> None:
    assert parse_trade("SITM26:-500@2.10") == SupposedTrade("SITM26", -500, 210)
    (tmp_path / "mine.csv").write_text("contract,lots,price\nSITM26,5,\n\nSITN26, -7 ,2.02\n")
    assert positions_of_file(tmp_path / "mine.csv") == [
        SupposedTrade("SITM26", 5), SupposedTrade("SITN26", -7, 202),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SITM26", "expected CONTRACT:LOTS"),
        ("SITM26:0", "other than 0, found '0'"),
        ("SITM26:1.5", "whole number other than 0, found '1.5'"),
        ("XYZM26:1", "no contract 'XYZM26'"),
        ("SITM26:1@2.005", "whole ticks of 0.01, found '2.005'"),
        ("SITM26:1@-2", "price above 0"),
    ],
)
def test_a_wrong_trade_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_trade(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected the columns contract and lots"),
        ("contract,lots,side\n", "columns contract and lots, found 'contract, lots, side'"),
        ("contract,lots\nSITM26,5\nSITM26\n", "line 3: expected 2 cells, found 1"),
        ("contract,lots\nSITM26,x\n", "line 2: expected lots as a whole number"),
    ],
)
def test_a_wrong_file_says_line_and_reason(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(CsvTrouble, match=words):
        positions_of_file(tmp_path / "mine.csv")


def test_a_call_is_explained_down_to_its_prices(view: JournalView) -> None:
    request = ReportRequest(DAY, options={"call": f"B-H/{DAY}/close"})
    report = CALL_REPORT.make(view, request)
    shown = columns(
        report, "step", "contract", "amount_cents", "initial_cents", "lots", "price_ticks",
        "long_ppm",
    )  # fmt: skip
    assert shown == [
        ("margin_called", None, 4_241, None, None, None, None),
        ("margin_set", None, None, 16_241, None, None, None),
        ("position", "SITM26", None, None, -1005, None, None),
        ("mark", "SITM26", None, None, None, 202, None),
        ("measure", "SITM26", None, None, None, None, 80_000),
    ]


@pytest.mark.parametrize("call", ["B-H", "A-H/2026-06-08/close", "B-H/2026-06-09/close"])
def test_a_call_that_was_not_made_is_named(view: JournalView, call: str) -> None:
    with pytest.raises(UnknownSubject, match=call):
        [*CALL_REPORT.make(view, ReportRequest(DAY, options={"call": call})).rows]


def margin(books: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["margin", *arguments, "--database", books])


def test_the_commands_answer_in_json(books: str, tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    file.write_text("contract,lots\nSITM26,100\n")
    asked = ("--positions", str(file), "--model", "paper", "--format", "json")
    done = margin(books, "what-if", *asked)
    after = json.loads(done.stdout)["rows"][1]
    assert (done.exit_code, after["step"], after["initial_cents"]) == (0, "after", 1_616)
    done = margin(books, "explain", "--call", f"B-H/{DAY}/close", "--format", "json")
    assert [row["step"] for row in json.loads(done.stdout)["rows"]][:2] == [
        "margin_called", "margin_set",
    ]  # fmt: skip


def test_a_wrong_question_ends_with_a_word(books: str, tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    file.write_text("contract,lots\nSITM26,many\n")
    done = margin(books, "what-if", "--positions", str(file))
    assert (done.exit_code, "positions.csv line 2: expected lots" in done.output) == (2, True)
    done = margin(books, "what-if")
    assert (done.exit_code, "--trade or --positions" in done.output) == (2, True)
