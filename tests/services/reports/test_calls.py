"""Open calls of dates that have passed, on the small market and two sessions after it.

B-H is called for 4,241 at the close of the first date and pays on the second. On the third B-C,
which has nothing, is short 100 lots more at 2.02, and is called at noon.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.report import Report, ReportRequest
from services.reports.table import REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import DAY, columns, made
from tests.services.reports.conftest import cleared_once
from tests.services.reports.small_market import NEXT, SMALL_MARKET, command
from tests.services.reports.test_field_cases import cleared

SECOND: Final = date.fromisoformat(NEXT)
TODAY: Final = date(2026, 6, 10)
_TRADED: Final = {
    "trade_id": "T9", "contract": "SITM26", "price": "2.02", "lots": 100, "buyer": "A-H",
    "seller": "B-C", "executed_at": "2026-06-10T10:00:00Z",
}  # fmt: skip
THREE_DAYS: Final = [
    *SMALL_MARKET[:-1],
    command(
        "close_session/1", business_date=NEXT, next_business_date=f"{TODAY}", at=f"{NEXT}T21:00:00Z"
    ),
    command("submit_trade/1", **_TRADED),
    command("run_cycle/1", cycle="noon", at=f"{TODAY}T12:00:00Z"),
]
OPEN: Final = ("business_date", "origin", "open_calls", "calls_remaining_cents")
CALL: Final = ("call", "status", "remaining_cents", "age_minutes", "is_overdue")


@pytest.fixture(scope="module")
def passed(
    postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JournalView]:
    """The three sessions as they stand, the last one open."""
    for url in cleared_once(postgres, tmp_path_factory.mktemp("calls"), THREE_DAYS):
        with JournalView(url) as opened:
            yield opened


def now(view: JournalView, name: str) -> Report:
    """A report without a date."""
    return REPORTS[name].make(view, ReportRequest(view.last_date()))


@pytest.mark.parametrize("name", ["members", "statement"])
def test_the_open_calls_of_a_date_are_those_at_its_end(passed: JournalView, name: str) -> None:
    def at_end(day: date) -> list[tuple[object, ...]]:
        rows = columns(made(passed, name, business_date=day, member="B"), *OPEN)
        return [row for row in rows if row[2] is not None]

    assert at_end(DAY)[1] == (DAY, "house", 1, 4_241)
    assert at_end(SECOND)[1] == (SECOND, "house", 0, 0)
    assert [row[2] for row in at_end(TODAY)] == [1, 0]


def test_each_of_several_dates_has_its_own_open_calls(passed: JournalView) -> None:
    every = made(passed, "members", business_date=TODAY, since=DAY)
    each = [made(passed, "members", business_date=day) for day in (DAY, SECOND, TODAY)]
    assert list(every.rows) == [row for report in each for row in report.rows]


def test_members_of_today_are_those_of_now(passed: JournalView) -> None:
    today = made(passed, "members", business_date=TODAY)
    assert list(today.rows) == list(now(passed, "members").rows)


def test_calls_of_a_date_are_as_they_were_at_its_end(passed: JournalView) -> None:
    def at_end(day: date, since: date | None = None) -> list[tuple[object, ...]]:
        return columns(made(passed, "calls", business_date=day, since=since), *CALL)

    assert at_end(DAY) == [("B-H/2026-06-08/close", "open", 4_241, 0, False)]
    assert at_end(SECOND) == [("B-H/2026-06-08/close", "met", 0, 12 * 60, False)]
    assert [row[:2] for row in at_end(TODAY)] == [("B-C/2026-06-10/noon", "open")]
    assert at_end(TODAY) == columns(now(passed, "calls"), *CALL)
    assert at_end(TODAY, DAY) == [*at_end(SECOND), *at_end(TODAY)]


def test_calls_of_a_closed_date_name_the_rows_until_its_close(passed: JournalView) -> None:
    assert made(passed, "calls").origins == tuple(passed.origins(DAY))
    assert now(passed, "calls").origins == tuple(passed.origins(None))


def test_before_any_cycle_there_are_neither_members_nor_calls(
    database: str, tmp_path: Path
) -> None:
    with JournalView(cleared(database, tmp_path, *SMALL_MARKET[:9])) as view:
        assert [*now(view, "members").rows, *now(view, "calls").rows] == []
    with JournalView(cleared(database, tmp_path, *SMALL_MARKET[:14])) as view:
        assert [*now(view, "members").rows, *now(view, "calls").rows] == []
