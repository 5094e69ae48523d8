"""Short dates are read once for all reports, which say the same as of long dates."""

from __future__ import annotations

from datetime import date

import pytest

import services.reports.short_days
import services.reports.view
from services.reports.formats import csv_lines
from services.reports.report import ReportRequest
from services.reports.table import REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import DAY

EVER = date(2026, 6, 10)


def all_reports(url: str) -> dict[str, list[str]]:
    """Each report over all dates, from one view."""
    with JournalView(url) as view:
        request = ReportRequest(EVER, EVER, {"trade": "T3"}, date.min)
        of_day = ReportRequest(DAY, DAY, {"trade": "T3"}, DAY)
        return {
            name: list(csv_lines(kind.make(view, of_day if kind.needs else request)))
            for name, kind in REPORTS.items()
        }


def test_reports_of_short_dates_say_what_those_of_long_dates_say(
    books: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = all_reports(books)
    monkeypatch.setattr(services.reports.short_days, "BYTES_KEPT", 1)
    forgetting = all_reports(books)
    monkeypatch.setattr(services.reports.view, "ROWS_OF_SHORT_DAY", -1)
    assert all_reports(books) == short == forgetting
    assert sum(map(len, short.values())) > 5 * len(REPORTS)
