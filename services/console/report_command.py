"""`clearing report`: one of the reports of `services/reports`, as table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from typing import Any, Final, TypeVar

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import Stopped
from services.console.output import say
from services.reports.formats import FORMATS, shown_table, table_lines
from services.reports.report import Report, ReportRequest, UnknownSubject
from services.reports.table import OPTIONS, REPORTS, ReportKind
from services.reports.view import JournalView

# Blanks beside a cell, and before the first.
_GAP: Final = 3

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _listed() -> str:
    width = max(map(len, REPORTS))
    return "\n".join(f"  {kind.name.ljust(width)}  {kind.tells}" for kind in REPORTS.values())


def _with_report_options(command: _Command) -> _Command:
    """The options of the table; each says which reports take it."""
    for option in reversed(OPTIONS):
        takers = ", ".join(kind.name for kind in REPORTS.values() if option.name in kind.takes)
        text = f"Of {takers}: {option.tells}."
        command = click.option(f"--{option.name}", metavar=option.metavar, help=text)(command)
    return command


@click.command(
    "report",
    help=f"""Print a report of a business date.

\b
{_listed()}

What came before the first session has the date 0001-01-01.
""",
    epilog=example(
        "clearing report trades --date 2026-06-08",
        "clearing report statement --date 2026-06-08 --member ALPHA --format csv",
        "clearing report trade --trade T-1 --format json",
    ),
)
@click.argument("name", metavar="NAME", type=click.Choice(list(REPORTS)))
@click.option("--date", "day", metavar="D", help="Business date.  [default: the last one closed]")
@click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)
@_with_report_options
@with_location
def report_command(
    *,
    name: str,
    day: str | None,
    shape: str,
    data: str | None,
    database: str | None,
    **given: str | None,
) -> None:
    """Print a report; the help text is made from the table."""
    kind = REPORTS[name]
    options = {option: value for option, value in given.items() if value is not None}
    _check_options(kind, options)
    given_date = None if day is None else _parsed(day)
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            request = ReportRequest(given_date or view.last_date(), given_date, options)
            report = kind.make(view, request)
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
        _print(report, shape)


def _check_options(kind: ReportKind, options: Collection[str]) -> None:
    for option in options:
        if option not in kind.takes:
            takes = ", ".join(f"--{name}" for name in kind.takes) or "none of these options"
            msg = f"report {kind.name} takes {takes}, not --{option}"
            raise click.UsageError(msg)
    for option in kind.needs:
        if option not in options:
            msg = f"report {kind.name} needs --{option}"
            raise click.UsageError(msg)


def _parsed(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError as found:
        raise click.BadParameter(str(found), param_hint="--date") from found


def _print(report: Report, shape: str) -> None:
    console = Console()
    if shape != "table" or not console.is_terminal:
        say(FORMATS[shape](report))
        return
    report = replace(report, rows=list(report.rows))
    heads, rows, numeric = shown_table(report)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if not rows or sum(widths) + _GAP * len(widths) > console.width:
        say(table_lines(report))  # Long lines wrap and can still be read; cut cells cannot.
        return
    table = Table(title=escape(report.title), title_justify="left", box=box.SIMPLE_HEAD)
    for head, is_number in zip(heads, numeric, strict=True):
        table.add_column(head, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
