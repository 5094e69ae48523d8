"""Asking for reports and for some of their columns."""

from __future__ import annotations

from datetime import date

from services.reports.report import Report, ReportRequest
from services.reports.table import REPORTS
from services.reports.view import JournalView
from tests.services.reports import small_market

DAY = date.fromisoformat(small_market.DAY)


def made(
    view: JournalView,
    name: str,
    *,
    business_date: date = DAY,
    since: date | None = None,
    **options: str,
) -> Report:
    """A report by its name, of a date that is named."""
    request = ReportRequest(business_date, business_date, options, since)
    return REPORTS[name].make(view, request)


def columns(report: Report, *names: str, line: str | None = None) -> list[tuple[object, ...]]:
    """Some columns of all rows, or of those of one kind."""
    places = [report.columns.index(name) for name in names]
    rows = list(report.rows)
    if line is not None:
        kind = report.columns.index("line")
        rows = [row for row in rows if row[kind] == line]
    return [tuple(row[place] for place in places) for row in rows]
