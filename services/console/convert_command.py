"""`clearing convert`: hours of GPUs and their prices into Standard Compute Units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from events.contracts import PRODUCTS
from events.units import parse_date
from services.console.books_location import location_of, location_options, opened_books
from services.console.example import example
from services.console.exit_codes import EXIT_LINES_REFUSED, Stopped
from services.console.option_values import option_value
from services.console.output import say, say_on_stderr
from services.reports.formats import FORMATS

if TYPE_CHECKING:
    from services.reports.report import Origin

_INDEX: Final = "index"
_PRODUCT: Final = next(code for code, product in PRODUCTS.items() if product.is_compute)


class _Table(NamedTuple):
    """A table of GPUs: its text, which it is in words, the rows it was read from."""

    text: str
    words: str
    origins: tuple[Origin, ...] = ()


@click.command(
    "convert",
    epilog=example(
        "clearing convert prices.csv",
        "clearing convert prices.csv --data books --date 2026-06-09 --format csv",
        "clearing convert prices.csv --format index | clearing clear --commands - --source scu",
    ),
)
@click.argument("file", metavar="FILE|-")
@click.option(
    "--date", "day", metavar="D",
    help="Of the journal: the table in force on this date.  [default: the last one closed]",
)  # fmt: skip
@click.option(
    "--format", "shape", type=click.Choice([*FORMATS, _INDEX]), default="table", show_default=True,
    help=f"{_INDEX}: publish_index/1 lines, the mean of the rows of each time, weighed by SCU.",
)  # fmt: skip
@click.option(
    "--fail-on-refusal", is_flag=True, help=f"Exit code {EXIT_LINES_REFUSED} when a row was wrong."
)
@location_options
def convert_command(
    *,
    file: str,
    day: str | None,
    shape: str,
    fail_on_refusal: bool,
    data: str | None,
    database: str | None,
) -> None:
    """Convert hours of GPUs and their prices into Standard Compute Units.

    FILE has the columns gpu, hours and usd_per_hour, and at where it has times, as CSV with a
    header or as JSON lines (numbers in quotes), packed (.gz) or not. Hours times the table's figure
    are SCU, a price over it is USD per SCU, exactly; what is printed is rounded half to even to a
    millionth. The table is that of a journal (--data, --database), as `configure gpu_hour_scu` set
    it, else the default of the program. A wrong row is named on standard error and left out.
    """
    if day is not None and data is None and database is None:
        msg = "--date is of a journal: name it with --data or --database"
        raise click.UsageError(msg)
    on = None if day is None else option_value(parse_date, day, option="--date")
    with _table(data, database, on=on) as table:
        wrong = _convert(file, table, shape=shape)
    if wrong and fail_on_refusal:
        raise SystemExit(EXIT_LINES_REFUSED)


def _convert(file: str, table: _Table, *, shape: str) -> int:
    """Print what was asked for; how many rows were wrong."""
    from events.gpu_table import scu_ppm_by_gpu
    from services.analysis.scu_conversion import conversion_report, in_scu, index_lines
    from services.console.stopping import stop_on_trouble
    from services.sources.gpu_prices import WrongRow, gpu_prices
    from services.sources.source import open_source, shown_name

    with stop_on_trouble(), open_source(file) as stream:
        rows = gpu_prices(stream, shown_name(file), needs_time=shape == _INDEX)
        outcomes = [*in_scu(rows, scu_ppm_by_gpu(table.text))]
    wrong = [row for row in outcomes if isinstance(row, WrongRow)]
    prices = [row for row in outcomes if not isinstance(row, WrongRow)]
    if shape == _INDEX:
        say(index_lines(prices, _PRODUCT))
    else:
        say(FORMATS[shape](conversion_report(prices, table=table.words, origins=table.origins)))
    for row in wrong:
        say_on_stderr(f"line {row.row} of {shown_name(file)}: {row.reason}")
    say_on_stderr(f"read {len(outcomes)} rows, converted {len(prices)}, refused {len(wrong)}")
    return len(wrong)


@contextmanager
def _table(data: str | None, database: str | None, *, on: date | None) -> Iterator[_Table]:
    """The table of a journal on a date, or the default one. Errors: Stopped."""
    if data is None and database is None:
        from events.gpu_table import GPU_TABLE

        yield _Table(GPU_TABLE, "the table of the program")
        return
    from services.reports.report import ReportRequest, UnknownSubject
    from services.reports.view import JournalView

    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            day = view.days(ReportRequest(on or view.last_date()))[-1]
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
        text = view.control_on(day).parameter_text("gpu_hour_scu", _PRODUCT)
        yield _Table(text, f"the table in force on {day}", tuple(view.origins(on)))
