"""Reports that once said what was not so, on the markets that made them say it."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.embedded.clear import clear
from services.reports.formats import FORMATS, csv_lines
from services.reports.report import Report, ReportRequest
from services.reports.table import LISTED, REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.small_market import DAY, NEXT, SMALL_MARKET, command

AT: Final = "2026-06-05T12:00:00Z"
# Settings of a server, of a database or of a role that are legal and not the default.
ODD_SETTINGS: Final = (
    "standard_conforming_strings=off",
    "bytea_output=escape",
    "datestyle=German",
    "array_nulls=off",
    "transform_null_equals=on",
    "timezone=Asia/Tokyo",
    "default_transaction_isolation=serializable",
)


def cleared(url: str, folder: Path, *lines: bytes) -> str:
    """The URL of a database with a market cleared into it."""
    source = folder / "market.jsonl"
    source.write_bytes(b"".join(line + b"\n" for line in lines))
    clear(url, str(source))
    return url


def house_accounts(*members: str) -> list[bytes]:
    """Members with a house account of a million dollars each."""
    lines = []
    for name in members:
        account = f"{name}-H"
        lines.append(command("admit_member/1", member=name, name=name, at=AT))
        own = {"account": account, "member": name, "origin": "house", "owner": account}
        lines.append(command("open_account/1", **own, at=AT))
        cash = {"reference": account, "account": account, "asset": "USD"}
        lines.append(command("deposit_collateral/1", **cash, amount_cents=100_000_000, at=AT))
    return lines


def scu_trade(name: str, price: str, *, lots: int, at: str) -> bytes:
    """A-H buys June SCU, a contract without any index, from B-H."""
    own = {"trade_id": name, "contract": "SCUM26", "price": price, "lots": lots}
    return command("submit_trade/1", **own, buyer="A-H", seller="B-H", executed_at=at)


def closed(day: str, following: str) -> bytes:
    """The close of a day."""
    dates = {"business_date": day, "next_business_date": following}
    return command("close_session/1", **dates, at=f"{day}T21:00:00Z")


def busted(name: str) -> bytes:
    """A bust after noon."""
    own = {"trade_id": name, "contract": "SCUM26", "reason": "error trade"}
    return command("bust_trade/1", **own, at=f"{DAY}T12:30:00Z")


# S1 and S2 are marked at noon at 260: S1 brings A-H 10 · (260 − 250) = 100 cents. Both are bust, no
# trade is left, the contract is without a price: the close gives the 100 cents back.
GIVEN_BACK: Final = (
    *house_accounts("A", "B"),
    command(
        "configure/1", parameter="product_in_use", product="SCU", value="true",
        effective_date=DAY, at=AT,
    ),
    command("open_session/1", business_date=DAY, at=f"{DAY}T00:05:00Z"),
    scu_trade("S1", "2.50", lots=10, at=f"{DAY}T09:00:00Z"),
    scu_trade("S2", "2.60", lots=1, at=f"{DAY}T10:00:00Z"),
    command("run_cycle/1", cycle="noon", at=f"{DAY}T12:00:00Z"),
    busted("S1"),
    busted("S2"),
    closed(DAY, NEXT),
    scu_trade("S3", "2.70", lots=5, at=f"{NEXT}T15:00:00Z"),
    closed(NEXT, "2026-06-10"),
)  # fmt: skip


def test_what_a_close_gives_back_stands_where_it_was_paid(database: str, tmp_path: Path) -> None:
    with JournalView(cleared(database, tmp_path, *GIVEN_BACK)) as view:
        report = made(view, "trade", business_date=view.last_date(), trade="S1")
        names = ("step", "business_date", "cycle", "account", "amount_cents", "trade_cents")
        rows = [row for row in columns(report, *names) if row[0] == "variation_settled"]
    assert [tuple(map(str, row[1:])) for row in rows] == [
        (DAY, "noon", "A-H", "100", "100"),
        (DAY, "noon", "B-H", "-100", "-100"),
        (DAY, "close", "A-H", "-100", "-100"),
        (DAY, "close", "B-H", "100", "100"),
    ]


def test_reports_are_the_same_bytes_whatever_the_server_is_set_to(
    books: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = printed_reports(books)
    monkeypatch.setenv("PGOPTIONS", " ".join(f"-c {setting}" for setting in ODD_SETTINGS))
    assert printed_reports(books) == expected


def printed_reports(url: str) -> dict[str, list[str]]:
    """All reports of the small market in all formats."""
    with JournalView(url) as view:
        return {
            f"{kind.name} {shape}": list(
                lines(
                    kind.make(
                        view,
                        ReportRequest(view.last_date(), options=needed(LISTED[kind.name].needs)),
                    )
                )
            )
            for kind in REPORTS.values()
            for shape, lines in FORMATS.items()
        }


def needed(options: tuple[str, ...]) -> dict[str, str]:
    """The options without which a report is not made."""
    return {name: {"trade": "T1"}[name] for name in options}


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_no_cell_of_text_begins_a_formula(begin: str) -> None:
    outside = f'{begin}HYPERLINK("http://example.invalid/","statement")'
    (_, row) = csv.reader(csv_lines(Report("", ("text", "cents"), iter([(outside, -7)]))))
    assert row == [f"'{outside}", "-7"]


def test_a_guarded_cell_reads_back() -> None:
    """One quote before it, whatever was there: who takes one away has the text."""
    (_, row) = csv.reader(csv_lines(Report("", ("text",), iter([("'=1",)]))))
    assert row == ["''=1"]


def test_a_refused_line_is_no_formula(database: str, tmp_path: Path) -> None:
    formula = b'=HYPERLINK("http://example.invalid/","statement")'
    lines = [*SMALL_MARKET[:12], formula]
    with JournalView(cleared(database, tmp_path, *lines)) as view:
        report = made(view, "refusals", business_date=view.last_date())
        cells = [cell for row in csv.reader(csv_lines(report)) for cell in row]
    assert f"'{formula.decode()}" in cells
    assert [cell for cell in cells if cell.startswith("=")] == []


# B-H is called for 4241 at the close of small_market; nobody but the bank moves after it.
CALLED: Final = SMALL_MARKET[:-2]


def deposited(reference: str, account: str, *, cents: int, at: str) -> bytes:
    """A deposit in the session after the call."""
    own = {"reference": reference, "account": account, "asset": "USD", "amount_cents": cents}
    return command("deposit_collateral/1", **own, at=f"{NEXT}T{at}Z")


def test_a_call_ages_by_whatever_time_was_accepted_last(database: str, tmp_path: Path) -> None:
    url = cleared(database, tmp_path, *CALLED, deposited("d-1", "A-H", cents=1, at="12:00:00"))
    with JournalView(url) as view:
        open_now = REPORTS["calls"].make(view, ReportRequest(view.last_date()))
        assert columns(open_now, "account", "age_minutes", "is_overdue") == [("B-H", 900, False)]
        statement = made(view, "statement", business_date=date.fromisoformat(NEXT), member="B")
        assert columns(statement, "origin", "age_minutes")[1] == ("house", 900)


def test_a_missed_call_stands_among_the_calls_until_the_next_cycle(
    database: str, tmp_path: Path
) -> None:
    late = deposited("d-1", "A-H", cents=1, at="13:05:00")
    names = ("account", "status", "remaining_cents", "is_overdue")
    with JournalView(cleared(database, tmp_path, *CALLED, late)) as view:
        now = REPORTS["calls"].make(view, ReportRequest(view.last_date()))
        assert columns(now, *names) == [("B-H", "missed", 4_241, True)]
    cycle = command("run_cycle/1", cycle="noon", at=f"{NEXT}T14:00:00Z")
    with JournalView(cleared(database, tmp_path, *CALLED, late, cycle)) as view:
        now = REPORTS["calls"].make(view, ReportRequest(view.last_date()))
        assert columns(now, *names) == [("B-H", "open", 4_241, False)]


def test_a_malformed_line_stands_under_the_reference_that_can_be_read(
    database: str, tmp_path: Path
) -> None:
    broken = (b'{"type":"submit_trade/1","trade_id":"T7","contract":"SITM26"}', b"no command")
    with JournalView(cleared(database, tmp_path, *SMALL_MARKET, *broken)) as view:
        report = made(view, "refusals", business_date=date.fromisoformat(NEXT))
        assert columns(report, "reason", "reference") == [("malformed", "T7"), ("malformed", None)]


def test_a_withdrawal_refused_at_its_cycle_is_told_in_dollars(
    database: str, tmp_path: Path
) -> None:
    own = {"reference": "w-B", "account": "B-H", "asset": "USD", "amount_cents": 1_250}
    asked = command("withdraw_collateral/1", **own, at=f"{NEXT}T08:00:00Z")
    cycle = command("run_cycle/1", cycle="noon", at=f"{NEXT}T12:00:00Z")
    with JournalView(cleared(database, tmp_path, *CALLED, asked, cycle)) as view:
        report = made(view, "refusals", business_date=date.fromisoformat(NEXT))
        ((reference, detail),) = columns(report, "reference", "detail")
    told = "$12.50 of B-H, refused by the cycle in this line"
    assert (reference, detail) == ("w-B", told)
