"""Every report of the markets in which accounts are ported, and statements that add up."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.report import ReportRequest
from services.reports.table import LISTED, REPORTS
from services.reports.view import JournalView
from tests.services.reports.conftest import cleared_once
from tests.test_scenarios import HERE, lines_of

PORTED: Final = sorted(
    path.stem for path in HERE.glob("*.json") if "account_ported/1" in path.read_text("utf-8")
)
_PARTS: Final = ("opening_cents", "variation_cents", "deposits_cents", "withdrawals_cents")


def rows_of(
    view: JournalView, name: str, *, last: date, member: str | None
) -> list[dict[str, Any]]:
    """The rows of a report of all dates."""
    options = {} if member is None else {"member": member}
    report = REPORTS[name].make(view, ReportRequest(last, last, options, date.min))
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


@pytest.mark.parametrize("scenario", PORTED)
def test_every_report_is_made_and_statements_add_up(
    scenario: str, postgres: EmbeddedServer, tmp_path: Path
) -> None:
    market = json.loads((HERE / f"{scenario}.json").read_text("utf-8"))
    for url in cleared_once(postgres, tmp_path, lines_of(market)):
        with JournalView(url) as view:
            last = view.sessions()[-1]
            for name in (name for name, entry in LISTED.items() if not entry.needs):
                assert rows_of(view, name, last=last, member=None) is not None
            for member in [None, *view.control.members]:
                rows = rows_of(view, "statement", last=last, member=member)
                for row in (row for row in rows if row["line"] in {"summary", "fund"}):
                    moved = sum(row[part] or 0 for part in (*_PARTS, "other_cents"))
                    assert moved == row["closing_cents"], row


def test_there_are_markets_with_ported_accounts() -> None:
    assert len(PORTED) >= 3
