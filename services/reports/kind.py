"""A kind of report: its title, its columns, how its rows are made.

In: the journal and a request. Out: a report with the rows of the shards it was made from. Each
report is a file with one such kind; `table.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Final

from services.reports.filters import check_subjects
from services.reports.report import NamedCells, Origin, Report, ReportRequest, TableLayout, laid_out
from services.reports.view import JournalView
from services.shards.shard import RULES_VERSION

_DISTRIBUTION: Final = "token-clearinghouse"


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A report and how it is made.

    is_of_dates: it is asked for from one date to another; else to one. is_as_of_now: without a date
    it tells how things stand now. looks_ahead: it reads what came after its dates, too.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[JournalView, ReportRequest], Iterable[NamedCells]]
    layouts: tuple[TableLayout, ...] = ()
    is_of_dates: bool = True
    is_as_of_now: bool = False
    looks_ahead: bool = False

    def make(self, view: JournalView, request: ReportRequest) -> Report:
        """The report. Errors: UnknownSubject; DerivedRowsChanged, also while rows are read."""
        check_subjects(view, request)
        if self.is_of_dates:
            view.days(request)
        return Report(
            self._title(request),
            self.columns,
            (laid_out(self.columns, cells) for cells in self.rows(view, request)),
            self.layouts,
            tuple(view.origins(self._until(request))),
            program_text(),
        )

    def _until(self, request: ReportRequest) -> date | None:
        """The date whose last rows the report has read at most; None for the last of all."""
        if self.looks_ahead:
            return None
        has_default = self.is_of_dates and not self.is_as_of_now
        return request.business_date if has_default else request.given_date

    def _title(self, request: ReportRequest) -> str:
        about = [f"{name} {value}" for name, value in request.options.items()]
        if not self.is_of_dates:
            return " of ".join([self.title, *filter(None, [", ".join(about)])])
        if self.is_as_of_now and request.given_date is None:
            return ", ".join([f"{self.title} now", *about])
        return ", ".join([f"{self.title} of {_span(request)}", *about])


def answer_of(
    title: str,
    rows: Iterable[NamedCells],
    *,
    columns: tuple[str, ...],
    layouts: tuple[TableLayout, ...],
    origins: Iterable[Origin],
) -> Report:
    """An answer on the books as a report; its rows are in memory, and may be read again."""
    cells = [laid_out(columns, row) for row in rows]
    return Report(title, columns, cells, layouts, tuple(origins), program_text())


def program_text() -> str:
    """The program and its rules, as reports name them."""
    return f"clearing {version(_DISTRIBUTION)}, rules {RULES_VERSION}"


def _span(request: ReportRequest) -> str:
    first, last = (
        "what came before the first session" if day == date.min else day.isoformat()
        for day in (request.first_date, request.business_date)
    )
    return last if first == last else f"{first} to {last}"
