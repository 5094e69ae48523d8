"""The options for trades as CSV, alike in all commands that read them.

In: `--csv` and what goes with it. Out: how a file's rows become trades, or a usage error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from services.sources.csv_dialect import DECIMAL_SIGNS, SEPARATORS

if TYPE_CHECKING:
    from services.embedded.clear import RowReading, RowsOf
    from services.feed.session import LineReading
    from services.sources.csv_trades import ColumnMapping

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class TradeOptions:
    """The options as given. from_line: the first line that is read."""

    is_csv: bool
    columns: Sequence[str]
    constants: Sequence[str]
    separator: str | None
    decimal: str | None
    from_line: int

    def line_reading(self, database: str) -> LineReading:
        """How the lines of a file are read: as commands, or as trades. Errors: a usage error.

        database: of the journal whose tables of GPUs count.
        """
        from services.hosting.gpu_tables import GpuTables
        from services.sources.csv_trades import lines_of_no_csv, trade_lines

        mapping = self._mapping()
        if mapping is None:
            return lines_of_no_csv
        return partial(trade_lines, mapping=mapping, table_at=GpuTables(database).table_at)

    def row_reading(self) -> RowsOf | None:
        """How the rows of a CSV file are read; None for commands. Errors: a usage error."""
        if self._mapping() is not None:
            return self._rows
        if self.from_line > 1:
            msg = "--from-line is about CSV here: clear goes on by itself where it stopped"
            raise click.UsageError(msg)
        return None

    def _rows(self, database: str) -> RowReading:
        return partial(self.line_reading(database), first=self.from_line)

    def _mapping(self) -> ColumnMapping | None:
        """The mapping of rows to trades; None for commands. Errors: a usage error."""
        from services.sources.csv_trades import column_mapping

        if not self.is_csv:
            if self.columns or self.constants or self.separator or self.decimal:
                msg = "--map, --set, --separator and --decimal are about CSV: give --csv too"
                raise click.UsageError(msg)
            return None
        try:
            return column_mapping(
                pairs(self.columns, "--map"),
                pairs(self.constants, "--set"),
                separator=SEPARATORS[self.separator or ","],
                decimal_sign=self.decimal or ".",
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from error


def with_trade_options(command: _Command) -> Callable[..., Any]:
    """The options; the command gets them as one `trades`."""

    @wraps(command)
    def with_trades(**given: Any) -> Any:  # noqa: ANN401 - click hands over any option
        names = TradeOptions.__dataclass_fields__
        trades = TradeOptions(**{name: given.pop(name) for name in names})
        return command(trades=trades, **given)

    decorated: Callable[..., Any] = with_trades
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def pairs(given: Sequence[str], what: str) -> dict[str, str]:
    """`name=value`, several times, as a dictionary. Errors: a usage error about `what`."""
    fields: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            msg = f"{what}: expected name=value, found {text!r}"
            raise click.UsageError(msg)
        if name in fields:
            msg = f"{what}: {name} is given twice"
            raise click.UsageError(msg)
        fields[name] = value
    return fields


_OPTIONS = (
    click.option(
        "--csv", "is_csv", is_flag=True, help="The input is trades as CSV, with a header."
    ),
    click.option(
        "--map", "columns", multiple=True, metavar="FIELD=COLUMN",
        help="Column of a trade's field.  [default: the one of the field's name] With gpu=COLUMN "
        "price and lots are of GPU hours, and converted into SCU by the table in force at the time "
        "(`clearing docs rules`, 1).",
    ),
    click.option(
        "--set", "constants", multiple=True, metavar="FIELD=VALUE",
        help="A field that is the same in all trades.",
    ),
    click.option(
        "--separator", type=click.Choice([*SEPARATORS]), metavar="SIGN",
        help=f"What stands between the cells, one of {' '.join(SEPARATORS)}.  [default: ,]",
    ),
    click.option(
        "--decimal", type=click.Choice(DECIMAL_SIGNS), metavar="SIGN",
        help="Decimal sign of the prices, a point or a comma.  [default: .]",
    ),
    click.option(
        "--from-line", type=click.IntRange(1), default=1, metavar="N",
        help="Begin at this line of the (first) file; nothing before it is read but a header.",
    ),
)  # fmt: skip
