"""Reads trades of a CSV file as commands: a field comes from a column or is a constant.

In: a stream of CSV with a header, in UTF-8. Out: a `submit_trade/1` line for each row, cells as
they stand: a cell that is no valid field of a trade is sent too, and refused and kept as
`malformed`, so that nothing is lost. Errors: `SourceTrouble` that names file and line: before any
row if the header lacks a column or the first row is no trade, else after all rows before the wrong
one.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from events.codec import decode_command
from events.command import Malformed
from events.market_commands import SubmitTrade
from services.sources.lines import Lines, raw_lines
from services.sources.source import ByteStream, SourceTrouble

FIELDS: Final = tuple(SubmitTrade.model_fields)
_NUMBERS: Final = frozenset(
    name for name, field in SubmitTrade.model_fields.items() if field.annotation is int
) - {"executed_at"}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class ColumnMapping(NamedTuple):
    """The mapping of rows to trades: columns by field, and fields alike in all rows."""

    columns: Mapping[str, str]
    constants: Mapping[str, str]


def column_mapping(columns: Mapping[str, str], constants: Mapping[str, str]) -> ColumnMapping:
    """A mapping; a field that is not named is the column of its own name.

    Errors: ValueError names a field that no trade has, or that is named twice.
    """
    for name in [*columns, *constants]:
        if name not in FIELDS:
            msg = f"a trade has no field {name!r}, it has {', '.join(FIELDS)}"
            raise ValueError(msg)
        if name in columns and name in constants:
            msg = f"field {name} is both a column and a constant"
            raise ValueError(msg)
    named = {name: columns.get(name, name) for name in FIELDS if name not in constants}
    return ColumnMapping(named, dict(constants))


def trade_lines(
    stream: ByteStream, name: str, *, mapping: ColumnMapping, first: int = 1
) -> Iterator[Lines]:
    """The rows as commands, numbered by the lines on which they begin.

    first: the number of the first line that is fed.
    """
    rows = _Rows(stream, name)
    columns: list[int] | None = None
    lines: list[bytes] = []
    numbers: list[int] = []
    is_checked = False
    try:
        for number, cells in rows.read():
            if not cells:
                yield Lines(lines, numbers, rows.end)
                lines, numbers = [], []
            elif columns is None:
                columns = _column_indices(cells, mapping, name=name)
            elif number >= first or not is_checked:
                line = _line([cells[column] for column in columns], mapping)
                if not is_checked:
                    _check_first(line, number=number, name=name)
                    is_checked = True
                if number >= first:
                    lines.append(line)
                    numbers.append(number)
    except SourceTrouble:
        yield Lines(lines, numbers, rows.end)
        raise
    if columns is None:
        msg = f"{name} is empty: a CSV file begins with the names of its columns"
        raise SourceTrouble(msg)
    yield Lines(lines, numbers, rows.end)


class _Rows:
    """The records of a CSV file. end: how many bytes were read."""

    def __init__(self, stream: ByteStream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._number = 0
        self.end = 0

    def read(self) -> Iterator[tuple[int, list[str]]]:
        """The line on which a record begins, and its cells.

        No cells: an empty line, or the end of the bytes read so far.
        """
        records = csv.reader(self._texts(), strict=True)
        width = 0
        while True:
            number = self._number + 1
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                msg = f"line {number} of {self._name} is no CSV: {error}"
                raise SourceTrouble(msg) from error
            width = width or len(cells)
            if cells and len(cells) != width:
                msg = f"line {number} of {self._name} has {len(cells)} cells, the header {width}"
                raise SourceTrouble(msg)
            yield number, cells

    def _texts(self) -> Iterator[str]:
        for raw in raw_lines(self._stream, self._name):
            self.end = raw.end
            for line in raw.lines:
                self._number += 1
                yield self._text(line)
            yield ""  # Ends a chunk but no cell: only a line end ends a cell.

    def _text(self, line: bytes) -> str:
        try:
            return line.decode("utf-8") + "\n"
        except UnicodeDecodeError as error:
            msg = f"line {self._number} of {self._name} is not UTF-8: {error.reason}"
            raise SourceTrouble(msg) from error


def _column_indices(header: list[str], mapping: ColumnMapping, *, name: str) -> list[int]:
    """The index of each column. Errors: SourceTrouble names those that are not there just once."""
    header = [cell.strip() for cell in header]
    wrong = [
        f"{column!r} for {field}"
        for field, column in mapping.columns.items()
        if header.count(column) != 1
    ]
    if wrong:
        shown = ", ".join(map(repr, header))
        msg = (
            f"{name} has not just one column {', '.join(wrong)}; it has {shown}. "
            "Name the column with --map field=column, or the same for all rows with --set"
        )
        raise SourceTrouble(msg)
    return [header.index(column) for column in mapping.columns.values()]


def _line(cells: list[str], mapping: ColumnMapping) -> bytes:
    texts = {**dict(zip(mapping.columns, cells, strict=True)), **mapping.constants}
    fields = {
        name: int(texts[name]) if name in _NUMBERS and _NUMBER.fullmatch(texts[name]) else value
        for name in FIELDS
        for value in [texts[name]]
    }
    return _ENCODER.encode({"type": SubmitTrade.TYPE, **fields}).encode()


def _check_first(line: bytes, *, number: int, name: str) -> None:
    """Raise SourceTrouble if the first row is no trade: then the mapping is wrong."""
    command = decode_command(line)
    if isinstance(command, Malformed):
        msg = (
            f"line {number} of {name}, the first row, makes no trade: {command.detail}. "
            "Nothing of it was sent; see --map and --set"
        )
        raise SourceTrouble(msg)
