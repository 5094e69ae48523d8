"""`clearing backtest`: what each margin model would have covered, and cost, on real prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from events.units import parse_date
from services.console.books_location import (
    BooksLocation,
    location_of,
    location_options,
    opened_books,
)
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN, Stopped
from services.console.option_values import option_value
from services.console.output import say

if TYPE_CHECKING:
    from risk.margin import MarginModel
    from services.backtest.outcome import Backtest

_SHAPES: Final = ("table", "csv", "json", "html")
_ALL: Final = "all"


@click.command(
    "backtest",
    epilog=example(
        "clearing backtest",
        "clearing backtest --model paper --from 2024-06-03 --format json",
        "clearing backtest --index prices.csv --format html > backtest.html",
    ),
)
@click.option(
    "--model", "name", metavar="NAME", default=_ALL, show_default=True,
    help="One model of the table; else all.",
)  # fmt: skip
@click.option("--from", "since", metavar="D", help="First day of a rate.")
@click.option("--to", "until", metavar="D", help="Last day of all prices.")
@click.option(
    "--index", "index", metavar="FILE", help="CSV with the columns date and tpi, oldest first."
)
@click.option(
    "--days", type=click.IntRange(1, 60), default=2, show_default=True,
    help="Business days of a window.",
)  # fmt: skip
@click.option("--format", "shape", type=click.Choice(_SHAPES), default="table", show_default=True)
@location_options
def backtest_command(
    *,
    name: str,
    index: str | None,
    days: int,
    shape: str,
    **given: str | None,
) -> None:
    """Test margin models on past prices, or the margins of a journal.

    Tells what each covered, what it cost, how it moved. Each day's rate is made from the prices
    until then and held against the move of the days after it: on the index that ships, or on that
    of a file. With --data or --database it is the margins of a journal that are held against its
    moves. `flat_25`, a quarter on each side, stands beside the models. `clearing docs backtest`
    explains the figures.
    """
    data, database = given["data"], given["database"]
    is_of_journal = data is not None or database is not None
    if index is not None and is_of_journal:
        msg = "expected --index, or --data or --database, found both"
        raise click.UsageError(msg)
    since = _day(given["since"], option="--from") or date.min
    until = _day(given["until"], option="--to") or date.max
    if since > until:
        msg = f"expected --from before --to, found {since} and {until}"
        raise click.UsageError(msg)
    from services.backtest.outcome import NothingToTest

    scope = _Scope(_models(name), days, since, until)
    try:
        if is_of_journal:
            backtest = _on_journal(location_of(data, database), scope)
        else:
            backtest = _on_index(index, scope)
    except NothingToTest as nothing:
        raise Stopped(str(nothing)) from nothing
    say(_shaped(backtest, shape))


class _Scope(NamedTuple):
    """The models; days of a window; the first day of a rate; the last of all data."""

    models: Sequence[MarginModel]
    days: int
    since: date
    until: date


def _on_index(index: str | None, scope: _Scope) -> Backtest:
    """The back-test on the history that ships, or on a file."""
    from services.backtest.index_series import SHIPPED, index_of_file, shipped_index
    from services.backtest.on_index import backtest_index
    from services.sources.named_columns import CsvTrouble

    try:
        prices = shipped_index() if index is None else index_of_file(Path(index))
    except CsvTrouble as trouble:
        raise Stopped(str(trouble)) from trouble
    source = f"{SHIPPED} of the program" if index is None else index
    return backtest_index(
        prices, scope.models, source=source, days=scope.days, since=scope.since, until=scope.until
    )


def _on_journal(location: BooksLocation, scope: _Scope) -> Backtest:
    """The back-test of the margins and moves of a journal."""
    from services.backtest.live_book import read_live
    from services.backtest.on_journal import LivePeriod, backtest_journal
    from services.reports.report import DerivedRowsChanged
    from services.reports.view import JournalView

    with opened_books(location, must_exist=True) as url, JournalView(url) as view:
        control_on = cache(view.control_on)
        period = LivePeriod(
            scope.days, scope.since, lambda name, day: control_on(day).parameter(name)
        )
        try:
            book = read_live(view, until=scope.until)
        except DerivedRowsChanged as changed:
            click.echo(f"Error: {changed}", err=True)
            raise SystemExit(EXIT_LAW_BROKEN) from changed
        # The URL of a database may hold a password.
        source = "the journal of " + ("a database" if location.database else str(location.data))
        names = {model.name for model in scope.models}
        return backtest_journal(book, source=source, period=period, models=names)


def _models(name: str) -> list[MarginModel]:
    """The models named. Errors: a usage error with the models there are."""
    from risk.margin_models import MODELS

    if name == _ALL:
        return [*MODELS.values()]
    if name not in MODELS:
        msg = f"there is no margin model {name!r}; there are {', '.join(MODELS)}, and all"
        raise click.BadParameter(msg, param_hint="--model")
    return [MODELS[name]]


def _day(text: str | None, *, option: str) -> date | None:
    return None if text is None else option_value(parse_date, text, option=option)


def _shaped(backtest: Backtest, shape: str) -> Iterator[str]:
    from services.backtest.formats import LINES
    from services.backtest.page import page_lines

    return page_lines(backtest) if shape == "html" else LINES[shape](backtest)
