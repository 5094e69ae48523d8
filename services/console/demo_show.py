"""What `clearing demo` does: a market on real token prices, cleared, as page and reports.

In: a folder, days and a seed. Out: text to the terminal, files in the folder; exit code 1 where a
law is broken.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from services.audit.days import closed_days
from services.console.books_location import BooksLocation, opened_books
from services.console.days_command import days_report
from services.console.demo_folder import (
    BOOKS,
    DAYS_FILE,
    PAGE,
    REPORTS_FOLDER,
    begin_afresh,
    check_empty,
)
from services.console.demo_run import COMMANDS_FILE, DemoOutcome, run_demo
from services.console.exit_codes import EXIT_LAW_BROKEN
from services.console.output import say
from services.console.progress import progress
from services.demo.fact_book import FactBook
from services.demo.page import FileBeside, render_page
from services.demo.summary import summary_lines
from services.journal.reader import Reader
from services.reports.formats import csv_lines
from services.reports.report import ReportRequest
from services.reports.table import LISTED, REPORTS
from services.reports.view import JournalView

# A hundred thousand lines over all dates, which nobody reads: a statement is of a date.
_OF_LAST_DATE: Final = ("statement", "members")
_ONE_DATE: Final = "; of the last date, of others by `clearing report`"
_ADJUSTED: Final = "trade_price_adjusted/1"


def show_demo(folder: Path, data: str | None, *, days: int, seed: int) -> None:
    """Clear the market, say what happened, write the page, reports and commands into a folder.

    data: the directory of its Postgres, None: inside of the folder.
    """
    if data is not None:
        check_empty(Path(data))
    begin_afresh(folder)
    location = BooksLocation(Path(data) if data is not None else folder / BOOKS, None)
    with opened_books(location) as url:
        book, broken = _clear(url, folder, days=days, seed=seed)
        say(summary_lines(book))
        title = f"Clearing {days} days of a token market, seed {seed}"
        page = render_page(book, title=title, broken=broken, files=_files())
        (folder / PAGE).write_text(page, "utf-8")
        with JournalView(url) as view:
            _write_reports(folder, view, book=book)
        with Reader(url) as reader:
            lines = csv_lines(days_report(closed_days(reader)))
            (folder / DAYS_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    say(["", *_laws(broken), *_paths(folder, location)])
    if broken:
        raise SystemExit(EXIT_LAW_BROKEN)


def _clear(url: str, folder: Path, *, days: int, seed: int) -> DemoOutcome:
    with progress("clearing the market", total=days) as advance:

        def day_done(done: int, lines: int) -> None:
            advance(done, f"{done} of {days} days, {lines:,} lines")

        return run_demo(url, folder / COMMANDS_FILE, seed=seed, days=days, day_done=day_done)


def _write_reports(folder: Path, view: JournalView, *, book: FactBook) -> None:
    """One file per report, of all dates or the last; of `trade`, one that tells much."""
    last = book.days[-1]
    trade = _sample_trade(book)
    with progress("writing the reports", total=len(REPORTS)) as advance:
        for number, kind in enumerate(REPORTS.values()):
            advance(number, kind.name)
            options = {name: trade for name in LISTED[kind.name].needs if trade is not None}
            with (folder / REPORTS_FOLDER / f"{kind.name}.csv").open("w", encoding="utf-8") as file:
                first = last if kind.name in _OF_LAST_DATE else date.min
                if len(options) == len(LISTED[kind.name].needs):
                    report = kind.make(view, ReportRequest(last, last, options, first))
                    file.writelines(f"{line}\n" for line in csv_lines(report))


def _files() -> list[FileBeside]:
    """What lies beside the page."""
    reports = [
        (f"{REPORTS_FOLDER}/{name}.csv", f"{entry.tells}{_ONE_DATE * (name in _OF_LAST_DATE)}")
        for name, entry in LISTED.items()
    ]
    days = (DAYS_FILE, "the hashes of every day: keep it elsewhere for `clearing verify --expect`")
    sent = (COMMANDS_FILE, "every line as it was sent: `clearing clear` takes it")
    return [*reports, days, sent]


def _sample_trade(book: FactBook) -> str | None:
    """A trade to show from bytes in to cents out: one that was adjusted, or bust, or any."""
    corrections = sorted(book.corrections, key=lambda fact: fact["type"] != _ADJUSTED)
    first = next(iter([*corrections, *book.trades.values()]), None)
    return None if first is None else str(first["trade_id"])


def _laws(broken: list[str]) -> list[str]:
    if broken:
        return ["BROKEN LAWS:", *(f"  {law}" for law in broken)]
    return [
        "The laws hold: the clearinghouse is flat, variation sums to zero in every cycle,",
        "postings balance and make up every account's cash, nothing happened twice.",
    ]


def _paths(folder: Path, location: BooksLocation) -> list[str]:
    return [
        "",
        f"page       {folder / PAGE}",
        f"reports    {folder / REPORTS_FOLDER}",
        f"days       {folder / DAYS_FILE}, for `verify --expect`",
        f"commands   {folder / COMMANDS_FILE}",
        f"books      {location.data}",
        f"           clearing report statement --data {location.data}",
    ]
