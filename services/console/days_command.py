"""`clearing days`: the hashes of every day of every shard, to be kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.output import say
from services.reports.formats import FORMATS
from services.reports.report import Report

if TYPE_CHECKING:
    from services.audit.days import ClosedDay


@click.command(
    "days",
    epilog=example(
        "clearing days",
        "clearing days --format csv > days.csv",
        "clearing verify --expect days.csv",
    ),
)
@click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)
@with_location
def days_command(*, shape: str, data: str | None, database: str | None) -> None:
    """List the days closed, with their hashes.

    The state hash is of a shard's books at the close, the history hash of every input until then,
    with its facts. Keep the list elsewhere: `verify --expect` compares with it.
    """
    from services.audit.days import closed_days
    from services.journal.reader import Reader

    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        Reader(url) as reader,
    ):
        say(FORMATS[shape](days_report(closed_days(reader))))


def days_report(days: Iterable[ClosedDay]) -> Report:
    """The days as a table."""
    from services.audit.days import ClosedDay

    return Report("Days closed", ClosedDay._fields, [tuple(day) for day in days])
