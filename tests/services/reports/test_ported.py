"""Every report of the markets in which accounts are ported, and statements that add up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
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
_ENDED: Final = ("met", "missed")
_PARTS: Final = ("opening_cents", "variation_cents", "deposits_cents", "withdrawals_cents")


def rows_of(
    view: JournalView, name: str, *, last: date, member: str | None, since: date = date.min
) -> list[dict[str, Any]]:
    """The rows of a report of all dates, or of those since one."""
    options = {} if member is None else {"member": member}
    report = REPORTS[name].make(view, ReportRequest(last, last, options, since))
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


@pytest.fixture(scope="module", params=PORTED)
def view(
    request: pytest.FixtureRequest,
    postgres: EmbeddedServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[JournalView]:
    """Each of these markets as it stands."""
    market = json.loads((HERE / f"{request.param}.json").read_text("utf-8"))
    for url in cleared_once(postgres, tmp_path_factory.mktemp("ported"), lines_of(market)):
        with JournalView(url) as opened:
            yield opened


def open_at_end(view: JournalView, name: str, *, day: date, member: str) -> tuple[int, int]:
    """How many calls of a member a report has as open at the end of a date, and what remains."""
    rows = rows_of(view, name, last=day, member=member, since=day)
    if name == "calls":
        remaining = [row["remaining_cents"] for row in rows if row["status"] not in _ENDED]
        return len(remaining), sum(remaining)
    told = [row for row in rows if row.get("line", "summary") == "summary"]
    return sum(row["open_calls"] for row in told), sum(row["calls_remaining_cents"] for row in told)


def test_every_report_is_made_and_statements_add_up(view: JournalView) -> None:
    last = view.sessions()[-1]
    for name in (name for name, entry in LISTED.items() if not entry.needs):
        assert rows_of(view, name, last=last, member=None) is not None
    for member in [None, *view.control.members]:
        rows = rows_of(view, "statement", last=last, member=member)
        for row in (row for row in rows if row["line"] in {"summary", "fund"}):
            moved = sum(row[part] or 0 for part in (*_PARTS, "other_cents"))
            assert moved == row["closing_cents"], row


def test_three_reports_tell_the_same_open_calls_of_a_closed_date(view: JournalView) -> None:
    for day in view.sessions()[:-1]:
        for member in view.control.members:
            calls = open_at_end(view, "calls", day=day, member=member)
            for name in ("members", "statement"):
                assert open_at_end(view, name, day=day, member=member) == calls, (day, member)


def test_there_are_markets_with_ported_accounts() -> None:
    assert len(PORTED) >= 3
