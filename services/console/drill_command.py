"""`clearing drill`: who would pay if a member failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import Stopped
from services.console.option_values import option_value
from services.console.output import STDOUT, check_target, say, say_on_stderr, write_all

if TYPE_CHECKING:
    from services.analysis.drill import Drill

_SHAPES: Final = ("table", "json", "html")
_WORST: Final = "worst"


@click.command(
    "drill",
    epilog=example(
        "clearing drill",
        "clearing drill --member ALPHA --member BETA --scenario front_down_60",
        "clearing drill --date 2026-06-08 --format html --out drill.html",
    ),
)
@click.option(
    "--member", "members", metavar="M", multiple=True,
    help="Who defaults; several at once are settled in this order.  [default: who loses most]",
)  # fmt: skip
@click.option(
    "--scenario", metavar="NAME|worst", default=_WORST, show_default=True,
    help="A scenario of the stress run, or the one with the largest loss.",
)  # fmt: skip
@click.option("--date", "day", metavar="D", help="After the close of a date.  [default: now]")
@click.option("--format", "shape", type=click.Choice(_SHAPES), default="table", show_default=True)
@click.option("--out", metavar="FILE", default=STDOUT, help="Where to.  [default: standard output]")
@with_location
def drill_command(
    *,
    members: tuple[str, ...],
    scenario: str,
    day: str | None,
    shape: str,
    out: str,
    **location: str | None,
) -> None:
    """Play a default on the books: who pays what, what is left.

    Positions are closed out at the scenario's prices, assets sold for their price less the haircut;
    nothing is written. JSON has a line `waterfall_applied/1` as it would be for each default, then
    one for each standing member. It also says what the settlement of a member waits for that is in
    default already.
    """
    for member in members:
        if members.count(member) > 1:
            msg = f"expected each member once, found {member} twice"
            raise click.UsageError(msg)
    date_asked = None if day is None else option_value(parse_date, day, option="--date")
    check_target(out, source=STDOUT)
    from services.analysis.drill import DrillQuestion, play_drill
    from services.reports.report import UnknownSubject
    from services.reports.view import JournalView

    question = DrillQuestion(members, None if scenario == _WORST else scenario, date_asked)
    with (
        opened_books(location_of(location["data"], location["database"]), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            drill = play_drill(view, question)
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
    _print(drill, shape=shape, out=out)


def _print(drill: Drill, *, shape: str, out: str) -> None:
    from services.analysis.drill_formats import (
        drill_json,
        drill_table,
        drill_title,
        waiting_lines,
    )
    from services.analysis.drill_page import drill_page

    lines: dict[str, Callable[[Drill], Iterator[str]]] = {
        "table": drill_table,
        "json": drill_json,
        "html": drill_page,
    }
    made = lines[shape](drill)
    if out == STDOUT:
        say(made)
    else:
        write_all(out, (f"{line}\n".encode() for line in made))
    if shape == "json":
        # What its lines have no room for.
        say_on_stderr(drill_title(drill))
        for line in waiting_lines(drill):
            say_on_stderr(line)
