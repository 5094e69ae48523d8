"""`clearing report`: one of the reports of `services/reports`, as table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN, Stopped
from services.console.option_values import option_value
from services.console.output import say
from services.reports.formats import FORMATS
from services.reports.report import DerivedRowsChanged, ReportRequest, UnknownSubject
from services.reports.table import LISTED, OPTIONS, REPORTS

if TYPE_CHECKING:
    from services.reports.kind import ReportKind
    from services.reports.view import JournalView

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _listed() -> str:
    width = max(map(len, LISTED))
    return "\n".join(f"  {name.ljust(width)}  {entry.tells}" for name, entry in LISTED.items())


def _with_report_options(command: _Command) -> _Command:
    """The options of the table; each says which reports take it."""
    for option in reversed(OPTIONS):
        takers = ", ".join(name for name, entry in LISTED.items() if option.name in entry.takes)
        text = f"Of {takers}: {option.tells}."
        command = click.option(f"--{option.name}", metavar=option.metavar, help=text)(command)
    return command


@click.command(
    "report",
    help=f"""Print a report of one date, or from one date to another.

\b
{_listed()}

Tables show dollars and percent; CSV and JSON have integers, whose unit stands in the column's name.
Each says of which rows it was made: a table at its foot, JSON in `as_of`, CSV in the head of a
last, empty column. What came before the first session has the date 0001-01-01. `calls` and
`members` without a date tell how things stand now. Exit code 1, and no row of that date, where a
table that the report reads is not what the journal makes of it. `clearing docs columns` explains
every column.
""",
    epilog=example(
        "clearing report statement --member ALPHA",
        "clearing report trades --from 2026-06-08 --to 2026-06-12 --contract SITM26 --format csv",
        "clearing report trade --trade T-1 --format json",
        "clearing report default --member ALPHA",
    ),
)
@click.argument("name", metavar="NAME", type=click.Choice(list(LISTED)))
@click.option("--date", "day", metavar="D", help="Business date.  [default: the last one closed]")
@click.option("--from", "since", metavar="D", help="First business date.")
@click.option("--to", "until", metavar="D", help="Last business date.")
@click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)
@_with_report_options
@with_location
def report_command(
    *, name: str, shape: str, data: str | None, database: str | None, **given: str | None
) -> None:
    """Print a report; the help text is made from the table."""
    from services.reports.view import JournalView

    kind = REPORTS[name]
    options = {option: value for option, value in given.items() if value is not None}
    days = {option: _parsed(option, options.pop(option, None)) for option in _DAYS}
    _check_options(name, options)
    _check_days(kind, days)
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            request = _request(view, days, options=options)
            say(FORMATS[shape](kind.make(view, request)))
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
        except DerivedRowsChanged as changed:
            click.echo(f"Error: {changed}", err=True)
            raise SystemExit(EXIT_LAW_BROKEN) from changed


# The parameters of the options of dates, and how they are given.
_DAYS = {"day": "--date", "since": "--from", "until": "--to"}


def _request(
    view: JournalView, days: Mapping[str, date | None], *, options: Mapping[str, str]
) -> ReportRequest:
    """The dates meant: one; from one to another; up to one from the first row; since one."""
    until = days["day"] or days["until"]
    since = days["since"]
    if days["until"] is not None and since is None:
        since = date.min
    if since is not None and until is None:
        until = max(view.last_date(), since)
    return ReportRequest(until or view.last_date(), until, options, since)


def _check_days(kind: ReportKind, days: Mapping[str, date | None]) -> None:
    day, since, until = days["day"], days["since"], days["until"]
    if day is not None and (since or until) is not None:
        msg = "expected --date, or --from and --to, found both"
        raise click.UsageError(msg)
    if since is not None and not kind.is_of_dates:
        msg = f"report {kind.name} takes no --from: it tells all up to a date"
        raise click.UsageError(msg)
    if since is not None and until is not None and since > until:
        msg = f"expected --from before --to, found {since} and {until}"
        raise click.UsageError(msg)


def _check_options(report: str, options: Collection[str]) -> None:
    entry = LISTED[report]
    for option in options:
        if option not in entry.takes:
            takes = ", ".join(f"--{name}" for name in entry.takes) or "none of these options"
            msg = f"report {report} takes {takes}, not --{option}"
            raise click.UsageError(msg)
    for option in entry.needs:
        if option not in options:
            msg = f"report {report} needs --{option}"
            raise click.UsageError(msg)


def _parsed(option: str, text: str | None) -> date | None:
    return None if text is None else option_value(parse_date, text, option=_DAYS[option])
