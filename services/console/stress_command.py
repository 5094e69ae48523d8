"""`clearing stress`: what members would lose over their margin, and how far it is to the end."""

from __future__ import annotations

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import Stopped
from services.console.option_values import option_value
from services.console.output import say
from services.reports.formats import FORMATS
from services.reports.report import UnknownSubject


@click.command(
    "stress",
    epilog=example(
        "clearing stress",
        "clearing stress --date 2026-06-08 --scenario front_down_60 --format csv",
        "clearing stress --reverse",
    ),
)
@click.option("--date", "day", metavar="D", help="After the close of a date.  [default: the last]")
@click.option("--scenario", metavar="NAME", help="One scenario; else all.")
@click.option(
    "--reverse", "is_reverse", is_flag=True, help="Find the least moves that exhaust the fund."
)
@click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)
@with_location
def stress_command(
    *,
    day: str | None,
    scenario: str | None,
    is_reverse: bool,
    shape: str,
    data: str | None,
    database: str | None,
) -> None:
    """Tell what members would lose over their margin, scenario by scenario, against the fund.

    On the books as they stood after a close. With --reverse: the least move of all prices alike, up
    and down, in which the two largest groups lose all that the fund has, and all that it has and
    may assess. Moves are tried in millionths up to 1,000 % and down to a tick.
    """
    if is_reverse and scenario is not None:
        msg = "expected --scenario or --reverse, found both"
        raise click.UsageError(msg)
    from services.analysis.stress_answer import reverse_answer, stress_answer
    from services.reports.view import JournalView

    date_asked = None if day is None else option_value(parse_date, day, option="--date")
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            if is_reverse:
                report = reverse_answer(view, date_asked)
            else:
                report = stress_answer(view, date_asked, scenario=scenario)
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
        say(FORMATS[shape](report))
