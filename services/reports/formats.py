"""A report as a table for people, as CSV, as JSON.

In: a report. Out: lines of text, as they are made: a long report does not gather in memory, but
for a table, whose columns must be measured. Money is integer cents everywhere; a table adds the
dollars.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from services.reports.raw_line import printable
from services.reports.report import Cell, Cells, Report

_CENTS: Final = "_cents"
_GAP: Final = "  "
# A spreadsheet computes a cell that begins so (CWE-1236).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
_GUARD: Final = "'"


def csv_lines(report: Report) -> Iterator[str]:
    """A head and a line per row; what is empty is empty, lines end as everywhere here."""
    yield _csv_line(report.columns)
    for row in report.rows:
        yield _csv_line(tuple(_guarded(cell) for cell in row))


def json_lines(report: Report) -> Iterator[str]:
    """One document: title, columns, and the rows as objects, one on each line."""
    head = {"title": report.title, "columns": report.columns}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    finished: str | None = None
    for row in report.rows:
        if finished is not None:
            yield finished + ","
        finished = json.dumps(_object(report.columns, row), ensure_ascii=False)
    if finished is not None:
        yield finished
    yield "]}"


def table_lines(report: Report) -> Iterator[str]:
    """Columns side by side, numbers to the right; columns in which nothing stands are left out."""
    heads, rows, numeric = shown_table(report)
    yield report.title
    if not rows:
        yield "Nothing on this date."
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numeric, strict=True)
        ]
        yield _GAP.join(cells).rstrip()


def shown_table(report: Report) -> tuple[list[str], list[list[str]], list[bool]]:
    """The heads and cells that a table shows, and which columns are numbers."""
    rows = list(report.rows)
    columns_shown = [
        index for index in range(len(report.columns)) if any(row[index] is not None for row in rows)
    ]
    heads = [report.columns[index] for index in columns_shown]
    shown = [[_shown(report.columns[index], row[index]) for index in columns_shown] for row in rows]
    return heads, shown, [_is_number(rows, index) for index in columns_shown]


def usd(cents: int) -> str:
    """Cents as dollars, to the cent."""
    sign = "-" if cents < 0 else ""
    dollars, cents_left = divmod(abs(cents), 100)
    return f"{sign}${dollars:,}.{cents_left:02d}"


FORMATS: Final[dict[str, Callable[[Report], Iterator[str]]]] = {
    "table": table_lines,
    "csv": csv_lines,
    "json": json_lines,
}


def _csv_line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()


def _guarded(cell: Cell) -> str:
    """A cell no spreadsheet takes for a formula: such text has a quote before it.

    So has text that begins with a quote: who takes one away always has what was there.
    """
    text = _plain(cell)
    is_guarded = isinstance(cell, str) and text.startswith((*_FORMULA, _GUARD))
    return _GUARD + text if is_guarded else text


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)


def _object(columns: tuple[str, ...], row: Cells) -> dict[str, str | int | bool | None]:
    return {
        column: cell.isoformat() if isinstance(cell, date) else cell
        for column, cell in zip(columns, row, strict=True)
    }


def _shown(column: str, cell: Cell) -> str:
    if column.endswith(_CENTS) and isinstance(cell, int):
        return f"{cell} ({usd(cell)})"
    return printable(_plain(cell))


def _is_number(rows: list[Cells], index: int) -> bool:
    """True for a column that holds only whole numbers and no booleans."""
    cells = [row[index] for row in rows if row[index] is not None]
    return all(isinstance(cell, int) and not isinstance(cell, bool) for cell in cells)
