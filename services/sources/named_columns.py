"""Reads a CSV file whose first line names its columns: an index, a plan of tokens, positions.

In: a file in UTF-8, the columns it must have, what a line is made into. Out: what the lines make,
empty ones passed over. Errors: CsvTrouble, with the file, the line and what is expected there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

_Made = TypeVar("_Made")
_SHOWN: Final = 80


class CsvTrouble(ValueError):
    """A file cannot be used; the message names it, the line and the reason."""


class NamedColumns(NamedTuple):
    """names: each must be there; optional: may be; is_open: whether any else may, and is not read.

    hint: what a reader may have to know of them.
    """

    names: Sequence[str]
    optional: Sequence[str] = ()
    is_open: bool = False
    hint: str = ""


def rows_of_file(
    path: Path, columns: NamedColumns, *, parse: Callable[[Mapping[str, str]], _Made]
) -> list[_Made]:
    """What the lines of a file make. parse: of cells by column; raises ValueError."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise CsvTrouble(msg) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path} line {line}: expected UTF-8, found byte {error.object[error.start]:#04x}"
        raise CsvTrouble(msg) from error
    return rows_of_text(str(path), text, columns=columns, parse=parse)


def rows_of_text(
    name: str, text: str, *, columns: NamedColumns, parse: Callable[[Mapping[str, str]], _Made]
) -> list[_Made]:
    """What the lines of a text make. name: of the file it is from."""
    rows = _rows(name, text.splitlines())
    number, head = next(rows, (1, []))
    _at_line(name, number, made=partial(_check_head, head, columns))

    def made_of(cells: Sequence[str]) -> _Made:
        return parse(_by_column(head, cells))

    return [_at_line(name, number, made=partial(made_of, cells)) for number, cells in rows]


def _at_line(name: str, number: int, *, made: Callable[[], _Made]) -> _Made:
    """What a line makes; an error names the line."""
    try:
        return made()
    except ValueError as error:
        msg = f"{name} line {number}: {error}"
        raise CsvTrouble(msg) from error


def _rows(name: str, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The cells of the lines that are not empty, with their numbers."""
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        msg = f"{name} line {reader.line_num}: not CSV: {error}"
        raise CsvTrouble(msg) from error


def _by_column(head: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    """The cells by their columns. Errors: ValueError, unless each column has one."""
    if len(cells) != len(head):
        msg = f"expected {len(head)} cells, found {len(cells)}"
        raise ValueError(msg)
    return dict(zip(head, cells, strict=True))


def _check_head(head: Sequence[str], columns: NamedColumns) -> None:
    """Errors: ValueError, unless the columns are those that are wanted, each once."""
    is_enough = {*columns.names} <= {*head}
    if not is_enough or not (columns.is_open or {*head} <= {*columns.names, *columns.optional}):
        listed = ", ".join(head)[:_SHOWN] or "nothing"
        msg = f"expected the columns {' and '.join(columns.names)}{columns.hint}, found {listed!r}"
        raise ValueError(msg)
    if len(head) != len({*head}):
        msg = "expected each column once"
        raise ValueError(msg)
