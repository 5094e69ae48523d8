"""Each report on the small market, with the values that small_market.py works by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.embedded.run import EmbeddedRun
from services.journal.migrate import migrate
from services.reports.report import UnknownSubject
from services.reports.table import LISTED, OPTIONS, REPORTS
from services.reports.view import JournalView
from services.sources.source_reader import SourceReader
from tests.services.reports.asking import DAY, columns, made
from tests.services.reports.small_market import BROKEN, SMALL_MARKET, WRONG, trade

NEXT, EMPTY = date(2026, 6, 9), date(2020, 1, 6)


def test_the_register_lists_clearing_bust_and_adjustment_in_order(view: JournalView) -> None:
    report = made(view, "trades")
    assert columns(report, "event", "trade_id", "lots", "price_ticks", "price_ticks_before") == [
        ("trade_novated", "T1", 1000, 200, None),
        ("trade_novated", "T2", 10, 210, None),
        ("trade_busted", "T2", 10, 210, None),
        ("trade_novated", "T3", 5, 204, None),
        ("trade_price_adjusted", "T3", 5, 202, 204),
    ]


def test_who_is_given_a_short_is_the_seller(view: JournalView) -> None:
    report = made(view, "trades", business_date=NEXT)
    assert columns(report, "event", "trade_id", "lots", "price_ticks", "buyer", "seller") == [
        ("position_transferred", "X1", 5, 202, "B-H", "B-C")
    ]


def test_prices_show_mark_settlement_tier_reference_and_rate(view: JournalView) -> None:
    report = made(view, "prices")
    names = ("contract", "cycle", "price_ticks", "tier", "reference_ticks", "long_ppm")
    rows = columns(report, *names)
    assert rows[:2] == [
        ("SITM26", "noon", 200, None, None, None),
        ("SITM26", "close", 202, 1, 200, 80_000),
    ]
    # The other nine contracts move with the nearest one, by 2 ticks.
    assert {row[1:] for row in rows[2:]} == {("close", 202, 3, 200, 80_000)}
    assert len(rows) == 1 + 10


def test_the_index_stands_with_its_inputs_and_its_fixing(view: JournalView) -> None:
    report = made(view, "index")
    names = ("event", "value_micros", "cap_ppm", "provider", "adjusted_price_micros", "weight_ppm")
    assert columns(report, *names, "is_stale") == [
        ("index_published", 2_010_000, 1_000_000, None, None, None, None),
        ("input", None, None, "p", 2_010_000, 1_000_000, None),
        ("index_fixed", 2_010_000, None, None, None, None, False),
    ]


def test_a_refusal_shows_its_reason_and_its_bytes(view: JournalView) -> None:
    report = made(view, "refusals")
    assert columns(report, "shard", "reference", "reason", "line", "line_hex") == [
        ("market/SIT", "T4", "lots_not_positive", WRONG.decode(), None),
        ("control/0", None, "malformed", '{"type":\\xff\\x1b[31m', BROKEN.hex()),
    ]


def test_a_statement_shows_positions_balance_and_call_of_each_cycle(view: JournalView) -> None:
    report = made(view, "statement", member="B", account="B-H")
    names = ("cycle", "line", "lots", "price_ticks", "amount_cents", "variation_cents")
    cents = ("cash_cents", "initial_cents", "maintenance_cents", "equity_cents")
    assert columns(report, *names, *cents)[1:] == [
        ("noon", "position", -1000, 200, None, 0, None, 16_000, None, None),
        ("noon", "balance", None, None, None, 0, 14_000, 16_000, 12_000, 14_000),
        ("close", "position", -1005, 202, None, -2000, None, 16_241, None, None),
        ("close", "balance", None, None, None, -2000, 12_000, 16_241, 12_181, 12_000),
        (None, "margin_called", None, None, 4241, None, None, None, None, None),
    ]


def test_a_member_sees_what_it_owes_for_each_cycle(view: JournalView) -> None:
    report = made(view, "statement", member="B")
    names = ("line", "account", "cycle", "variation_cents", "margin_deficit_cents")
    assert columns(report, *names)[-2:] == [
        ("settlement_instructed", None, "noon", 0, 2000),
        ("settlement_instructed", None, "close", -2000, 4241),
    ]


def test_a_call_met_in_the_open_session_is_on_its_statement(view: JournalView) -> None:
    report = made(view, "statement", member="B", business_date=NEXT)
    assert columns(report, "line", "amount_cents", "remaining_cents", "reference")[3:] == [
        ("collateral_moved", 4241, None, "d-B2"),
        ("margin_call_met", None, 0, "B-H/2026-06-08/close"),
    ]


def test_without_a_member_the_statement_is_of_all(view: JournalView) -> None:
    report = made(view, "statement")
    balances = columns(report, "account", "cash_cents", line="balance")
    assert balances[1::2] == [("A-H", 1_002_000), ("B-H", 12_000)]


def test_a_trade_is_followed_from_its_bytes_to_the_postings(view: JournalView) -> None:
    report = made(view, "trade", trade="T1")
    names = ("step", "account", "price_ticks", "amount_cents", "trade_cents", "line")
    assert columns(report, *names) == [
        ("input", None, None, None, None, trade("T1", "2.00", lots=1000, at="10:00:00").decode()),
        ("trade_novated", None, 200, None, None, None),
        ("cycle_price_set", None, 200, None, None, None),
        ("settlement_price_set", None, 202, None, None, None),
        ("variation_settled", "A-H", None, 2000, 2000, None),
        ("variation_settled", "B-H", None, -2000, -2000, None),
        ("posting", "A-H", None, 2000, None, None),
        ("posting", "B-H", None, 2000, None, None),
    ]


def test_an_adjusted_trade_brings_what_its_new_price_makes(view: JournalView) -> None:
    report = made(view, "trade", trade="T3")
    rows = columns(report, "step", "account", "price_ticks", "trade_cents")
    assert rows[1::2][:2] == [
        ("trade_novated", None, 204, None),
        ("trade_price_adjusted", None, 202, None),
    ]
    assert ("variation_settled", "A-H", None, 0) in rows


def test_a_trade_names_the_chain_of_the_row_it_came_in(view: JournalView) -> None:
    (chain,) = columns(made(view, "trade", trade="T1"), "chain", "seq")[:1]
    (row,) = view.rows_at("market/SIT", DAY, seqs=[int(str(chain[1]))])
    assert chain[0] == row.chain.hex()


def test_a_trade_says_when_its_bytes_were_received(database: str, tmp_path: Path) -> None:
    path = tmp_path / "market.jsonl"
    path.write_bytes(b"\n".join(SMALL_MARKET))
    migrate(database)
    # 2026-06-08T14:00:01.5Z
    with path.open("rb") as stream, EmbeddedRun(database, clock=lambda: 1_780_927_201.5) as run:
        position = None
        for block in SourceReader(stream, name="market", lines_a_block=8_192).blocks():
            run.run_block(block, source="market", position_before=position)
            position = block.end
    input_row, fact_row = ("input", "2026-06-08T14:00:01Z", "run"), ("command_refused", None, None)
    assert received(database, "T4") == [input_row, fact_row]
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE clearing.receipt DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM clearing.receipt")
    assert received(database, "T4") == [("input", None, None), fact_row]


def received(url: str, name: str) -> list[tuple[object, ...]]:
    """The steps of a trade with the time of receipt."""
    with JournalView(url) as view:
        return columns(made(view, "trade", trade=name), "step", "received_at", "clock")


def test_a_refused_trade_has_an_extract_too(view: JournalView) -> None:
    report = made(view, "trade", trade="T4")
    assert columns(report, "step", "reason") == [
        ("input", None),
        ("command_refused", "lots_not_positive"),
    ]


@pytest.mark.parametrize("name", [name for name, kind in REPORTS.items() if kind.is_of_dates])
def test_a_date_without_a_session_is_answered_with_those_there_are(
    view: JournalView, name: str
) -> None:
    with pytest.raises(UnknownSubject, match="no session on 2020-01-06; there are 2026-06-08, "):
        made(view, name, business_date=EMPTY)


def test_what_came_before_the_first_session_has_the_first_date(view: JournalView) -> None:
    report = made(view, "index", business_date=date.min)
    assert columns(report, "event", "value_micros")[0] == ("index_published", 2_000_000)


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("statement", {"member": "Z"}, "no member Z; there are A, B"),
        ("statement", {"member": "A", "account": "B-H"}, "member A has no account B-H"),
        ("statement", {"account": "Z"}, "there is no account Z"),
        ("trade", {"trade": "T9"}, "no trade T9 is known"),
    ],
)
def test_who_is_unknown_is_named(
    view: JournalView, name: str, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnknownSubject, match=said):
        made(view, name, **asked)


def test_an_unknown_product_is_named_by_every_report_that_takes_one(view: JournalView) -> None:
    takers = [name for name, entry in LISTED.items() if "product" in entry.takes]
    for name in takers:
        with pytest.raises(UnknownSubject, match="no product XYZ is in use; there are SIT"):
            made(view, name, product="XYZ", trade="T1")
    assert len(takers) == 12


def test_every_option_of_a_report_stands_in_the_table_of_options() -> None:
    names = {option.name for option in OPTIONS}
    assert {name for entry in LISTED.values() for name in (*entry.takes, *entry.needs)} == names


def test_the_last_date_closed_is_the_one_shown_by_default(view: JournalView) -> None:
    assert view.last_date() == DAY
