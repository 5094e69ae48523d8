"""A report as a table for people, as CSV, as JSON.

In: a report. Out: lines of text, as they are made: a long report does not gather in memory, but
for a table, whose columns must be measured. A table shows dollars and percent; CSV and JSON have
integers. Each says which rows of the journal and which program made it: a table at its foot, JSON
beside the rows, CSV in the head of a last column, which is empty, so that a spreadsheet reads all
other columns as they are.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any, Final

from services.reports.layout import as_records, side_by_side
from services.reports.report import Cell, Cells, Report, TableLayout
from services.reports.shown import cell_text, fact_words, head_text, plain_text

# A spreadsheet computes a cell that begins so (CWE-1236).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
_GUARD: Final = "'"
_GUARDED: Final = frozenset((*_FORMULA, _GUARD))
# In a line with a comma before it: cells that we may write in another way than the csv module.
_UNLIKE: Final = re.compile(f',"?(?:[{re.escape("".join(sorted(_GUARDED)))}]|True|False)')
_DATE: Final = "business_date"
# Columns of names of facts, which tables show in words.
_FACTS: Final = frozenset({"event", "for", "kind", "step"})


def csv_lines(report: Report) -> Iterator[str]:
    """A head and a line per row; what is empty is empty, lines end as everywhere here."""
    head = [f"as of {_made_by(report)}"] if report.origins else []
    empty = [""] * len(head)
    write = csv.writer(_Echo(), lineterminator="").writerow
    rows = _begun(report.rows)
    yield write([*report.columns, *head])
    for row in rows:
        line = write([*row, *empty])
        yield write([*map(_written, row), *empty]) if _UNLIKE.search("," + line) else line


def json_lines(report: Report) -> Iterator[str]:
    """One document: title, columns, origins, and the rows as objects, one on each line."""
    head: dict[str, Any] = {"title": report.title, "columns": report.columns}
    if report.origins:
        head["program"] = report.program
        head["as_of"] = [origin._asdict() for origin in report.origins]
    rows = _begun(report.rows)
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    finished: str | None = None
    for row in rows:
        if finished is not None:
            yield finished + ","
        finished = json.dumps(_object(report.columns, row), ensure_ascii=False)
    if finished is not None:
        yield finished
    yield "]}"


def table_lines(report: Report) -> Iterator[str]:
    """Tables of columns side by side, numbers to the right; empty columns are left out."""
    rows = list(report.rows)  # First, for a report that must not be printed says so here.
    yield report.title
    if not rows:
        yield "Nothing."
    for layout in report.layouts or (TableLayout(report.columns),):
        chosen = _rows_of(report, layout, rows=rows)
        if chosen:
            yield ""
            yield from [layout.title] if layout.title else []
            yield from _table(report, layout, rows=chosen)
    if report.origins:
        yield ""
        yield "as of"
        yield from (f"  {shard} {seq} {chain}" for shard, seq, chain in report.origins)
        yield f"  {report.program}"


FORMATS: Final[dict[str, Callable[[Report], Iterator[str]]]] = {
    "table": table_lines,
    "csv": csv_lines,
    "json": json_lines,
}


def _begun(rows: Iterable[Cells]) -> Iterator[Cells]:
    """The rows, the first one made already: a report that must not be printed says so before."""
    made = iter(rows)
    return chain([*islice(made, 1)], made)


def _made_by(report: Report) -> str:
    origins = [f"{shard} {seq} {chain}" for shard, seq, chain in report.origins]
    return "; ".join([*origins, report.program])


class _Echo:
    """A file for `csv.writer` whose lines come back from `writerow`."""

    def write(self, line: str) -> str:
        return line


def _written(cell: Cell) -> str | int | date | None:
    """A cell for the csv module, which writes whole numbers, dates and what is empty as we do.

    No spreadsheet takes text for a formula: such text has a quote before it. So has text that
    begins with a quote: who takes one away always has what was there.
    """
    if isinstance(cell, bool):
        return plain_text(cell)
    if isinstance(cell, str) and cell[:1] in _GUARDED:
        return _GUARD + cell
    return cell


def _object(columns: tuple[str, ...], row: Cells) -> dict[str, str | int | bool | None]:
    return {
        column: cell.isoformat() if isinstance(cell, date) else cell
        for column, cell in zip(columns, row, strict=True)
    }


def _rows_of(report: Report, layout: TableLayout, *, rows: Sequence[Cells]) -> Sequence[Cells]:
    if not layout.lines:
        return rows
    index = report.columns.index(layout.by)
    return [row for row in rows if row[index] in layout.lines]


def _table(report: Report, layout: TableLayout, *, rows: Sequence[Cells]) -> list[str]:
    """The lines of one table, without a date that is the same in all rows and in the title."""
    columns, shown = report.columns, []
    for name in layout.columns:
        cells = {row[columns.index(name)] for row in rows}
        is_told = name == _DATE and len(cells) == 1 and plain_text(*cells) in report.title
        if cells != {None} and not is_told:
            shown.append(name)
    if not shown:
        return []
    indices = [columns.index(name) for name in shown]
    heads = [head_text(name) for name in shown]
    facts = {*_FACTS, layout.by} if layout.lines else _FACTS
    texts = [
        [
            fact_words(text) if name in facts else text
            for name, index in zip(shown, indices, strict=True)
            for text in [cell_text(name, row[index])]
        ]
        for row in rows
    ]
    if layout.is_record:
        return list(as_records(heads, texts))
    return list(side_by_side(heads, texts, numeric=[_is_number(rows, index) for index in indices]))


def _is_number(rows: Sequence[Cells], index: int) -> bool:
    """True for a column that holds only whole numbers and no booleans."""
    cells = [row[index] for row in rows if row[index] is not None]
    return all(isinstance(cell, int) and not isinstance(cell, bool) for cell in cells)
