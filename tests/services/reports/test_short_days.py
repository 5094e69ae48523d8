"""Short dates are read once for all reports, which say the same as of long dates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import services.reports.short_days
import services.reports.view
from services.journal.embedded import EmbeddedServer
from services.reports.formats import csv_lines
from services.reports.report import ReportRequest
from services.reports.table import LISTED, REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import DAY
from tests.services.reports.conftest import cleared_once
from tests.services.reports.small_market import SMALL_MARKET

EVER = date(2026, 6, 10)


def all_reports(url: str) -> dict[str, list[str]]:
    """Each report over all dates, from one view."""
    with JournalView(url) as view:
        request = ReportRequest(EVER, EVER, {"trade": "T3"}, date.min)
        of_day = ReportRequest(DAY, DAY, {"trade": "T3"}, DAY)
        return {
            name: list(csv_lines(kind.make(view, of_day if LISTED[name].needs else request)))
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


def test_a_type_written_with_an_escape_changes_no_report(
    books: str, postgres: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some writers of JSON put a backslash before each stroke: a cycle is a cycle."""
    escaped = [line.replace(b'/1"', rb'\/1"') for line in SMALL_MARKET]
    assert escaped != SMALL_MARKET
    unlike = {"trade", "refusals"}  # They print the bytes that came in.
    expected = {name: rows(report) for name, report in all_reports(books).items()}
    for url in cleared_once(postgres, tmp_path, escaped):
        for limit in (500, -1):
            monkeypatch.setattr(services.reports.view, "ROWS_OF_SHORT_DAY", limit)
            reports = {name: rows(report) for name, report in all_reports(url).items()}
            differing = {name for name in reports if reports[name] != expected[name]}
            assert differing <= unlike
            assert len(reports["trade"]) == len(expected["trade"])


def rows(report: list[str]) -> list[str]:
    """The rows of a report without the hashes of what it was made of."""
    return [report[0].split(",", 1)[0], *report[1:]]
