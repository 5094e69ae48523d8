"""`clearing margin`: what a trade would cost, and where a call comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import Stopped
from services.console.option_values import option_value
from services.console.output import say
from services.reports.formats import FORMATS
from services.reports.report import ReportRequest, UnknownSubject

if TYPE_CHECKING:
    from services.analysis.portfolio import SupposedTrade
    from services.analysis.what_if import WhatIf

# Those of risk/margin_models.py, which --help does not import.
MODEL_NAMES: Final = ("paper", "paper_apc", "scan", "expected_shortfall")
_ALL = "all"
_SHAPE = click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)


@click.group(
    "margin",
    epilog=example(
        "clearing margin what-if --account A-H --trade SITZ26:500",
        "clearing margin explain --call A-H/2026-06-08/close",
    ),
)
def margin_command() -> None:
    """Tell what a portfolio asks for, and why."""


@margin_command.command(
    "what-if",
    epilog=example(
        "clearing margin what-if --account A-H --trade SITZ26:500 --trade SITH27:-500@2.10",
        "clearing margin what-if --positions portfolio.csv --model all --format json",
    ),
)
@click.option("--account", metavar="A", help="The account; without one the portfolio starts flat.")
@click.option(
    "--trade", "trades", metavar="CONTRACT:LOTS[@PRICE]", multiple=True,
    help="A trade to suppose, - lots to sell; at the mark without a price. May be repeated.",
)  # fmt: skip
@click.option(
    "--positions", metavar="FILE.csv",
    help="Positions to suppose: columns contract, lots and perhaps price.",
)  # fmt: skip
@click.option(
    "--model", metavar="NAME|all", type=click.Choice([*MODEL_NAMES, _ALL]),
    help="A model, or all side by side.  [default: those in force]",
)  # fmt: skip
@click.option("--date", "day", metavar="D", help="After the close of a date.  [default: now]")
@_SHAPE
@with_location
def what_if_command(
    *,
    trades: tuple[str, ...],
    shape: str,
    data: str | None,
    database: str | None,
    **given: str | None,
) -> None:
    """Tell the margin of an account before and after trades that nobody has made.

    Marks and positions are those of now, or of the date's close; the losses of a lot those that the
    last close measured, or, for a model that is not in force, what it measures on the same history.
    """
    from services.analysis.portfolio import parse_trade
    from services.analysis.what_if import what_if
    from services.reports.view import JournalView

    supposed = [option_value(parse_trade, text, option="--trade") for text in trades]
    question = _question(supposed, **given)
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            say(FORMATS[shape](what_if(view, question)))
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown


def _question(
    trades: list[SupposedTrade],
    *,
    account: str | None,
    positions: str | None,
    model: str | None,
    day: str | None,
) -> WhatIf:
    from services.analysis.what_if import WhatIf

    trades = trades + ([] if positions is None else _positions_of(positions))
    if account is None and not trades:
        msg = "expected --account, --trade or --positions"
        raise click.UsageError(msg)
    models = None if model is None else [*MODEL_NAMES] if model == _ALL else [model]
    date_asked = None if day is None else option_value(parse_date, day, option="--date")
    return WhatIf(account, trades, models, date_asked)


def _positions_of(path: str) -> list[SupposedTrade]:
    from services.analysis.portfolio import positions_of_file
    from services.sources.named_columns import CsvTrouble

    try:
        return positions_of_file(Path(path))
    except CsvTrouble as trouble:
        raise Stopped(str(trouble)) from trouble


@margin_command.command(
    "explain",
    epilog=example("clearing margin explain --call A-H/2026-06-08/close"),
)
@click.option("--call", metavar="ID", required=True, help="The call, as account/date/cycle.")
@_SHAPE
@with_location
def explain_command(*, call: str, shape: str, data: str | None, database: str | None) -> None:
    """Tell where a margin call comes from: lots, marks, losses of a lot, prices, journal rows."""
    from services.reports.margin_call import CALL_REPORT
    from services.reports.view import JournalView

    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            request = ReportRequest(view.last_date(), options={"call": call})
            say(FORMATS[shape](CALL_REPORT.make(view, request)))
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
