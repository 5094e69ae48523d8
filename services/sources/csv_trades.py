"""Reads trades of a CSV file as commands: a field comes from a column or is a constant.

In: a stream of CSV with a header, in UTF-8; lines end with LF, CR LF or CR. Out: a `submit_trade/1`
line for each row, cells as they stand: a cell that is no valid field of a trade, and a row with
more or less cells than the header, are sent too, and refused and kept as `malformed`, so that
nothing is lost. Where a GPU is named too, price and lots are those of its hours and are converted
(gpu_hours.py). Errors: `SourceTrouble` that names file and line: before any row if the header
lacks a column or the first row is no trade, else after all rows before one whose end is not clear.
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
from services.sources.csv_dialect import SEPARATORS
from services.sources.gpu_hours import GPU, TableAt, default_table, trade_in_scu
from services.sources.lines import LineEnds, Lines, command_lines, raw_lines
from services.sources.source import ByteStream, SourceTrouble

FIELDS: Final = tuple(SubmitTrade.model_fields)
_NUMBERS: Final = frozenset(
    name for name, field in SubmitTrade.model_fields.items() if field.annotation is int
) - {"executed_at"}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class ColumnMapping(NamedTuple):
    """The mapping of rows to trades: columns by field, and fields alike in all rows.

    separator: between cells; decimal_sign: of prices, and of hours of GPUs.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    separator: str = ","
    decimal_sign: str = "."


def column_mapping(
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    *,
    separator: str = ",",
    decimal_sign: str = ".",
) -> ColumnMapping:
    """A mapping; a field that is not named is the column of its own name, but for the GPU's.

    Errors: ValueError names a field that no trade has, or that is named twice.
    """
    for name in [*columns, *constants]:
        if name not in (*FIELDS, GPU):
            msg = f"a trade has no field {name!r}, it has {', '.join(FIELDS)}; {GPU} too"
            raise ValueError(msg)
        if name in columns and name in constants:
            msg = f"field {name} is both a column and a constant"
            raise ValueError(msg)
    named = {name: columns.get(name, name) for name in FIELDS if name not in constants}
    return ColumnMapping(named | dict(columns), dict(constants), separator, decimal_sign)


def trade_lines(
    stream: ByteStream,
    name: str,
    *,
    mapping: ColumnMapping,
    table_at: TableAt = default_table,
    first: int = 1,
) -> Iterator[Lines]:
    """The rows as commands, numbered by the lines on which they begin.

    table_at: of GPUs; first: the number of the first line that is fed; the header apart, nothing
    before it is looked at.
    """
    rows = _Rows(stream, name, separator=mapping.separator, first=first)
    header: list[str] | None = None
    lines: list[bytes] = []
    numbers: list[int] = []
    # A feed that goes on behind a wrong row may well begin with another.
    is_checked = first > 1
    try:
        for row in rows.read():
            if not row.cells:
                yield Lines(lines, numbers, rows.end)
                lines, numbers = [], []
            elif header is None:
                header = [cell.strip() for cell in row.cells]
                _check_header(header, mapping, name=name)
            else:
                lines.append(_line(row, header, mapping=mapping, table_at=table_at))
                numbers.append(row.number)
                if not is_checked:
                    _check_first(lines[0], row, name=name, mapping=mapping)
                    is_checked = True
    except SourceTrouble:
        yield Lines(lines, numbers, rows.end) if is_checked else Lines([], [], rows.end)
        raise
    if header is None:
        msg = f"{name} is empty: a CSV file begins with the names of its columns"
        raise SourceTrouble(msg)
    yield Lines(lines, numbers, rows.end)


def check_no_header(line: bytes, name: str) -> None:
    """See that the first line of what should be commands is not the header of trades as CSV.

    Errors: SourceTrouble; else every row would be refused, and the source's name be used up.
    """
    text = line.decode("utf-8", "replace").lower()
    for separator in SEPARATORS.values():
        cells = {cell.strip().strip('"') for cell in text.split(separator)}
        if len(cells & {*FIELDS}) > 1:
            msg = f"{name} begins with the header of trades as CSV, not with a command: give --csv"
            raise SourceTrouble(msg)


def lines_of_no_csv(stream: ByteStream, name: str, *, first: int = 1) -> Iterator[Lines]:
    """The commands of a stream of JSON lines, of which the first is no header of trades."""
    is_checked = first > 1
    for group in command_lines(stream, name, first=first):
        if group.lines and not is_checked:
            check_no_header(group.lines[0], name)
            is_checked = True
        yield group


class TradeStream:
    """The trades of a CSV file as a stream of JSON lines, for who reads commands.

    Each stands on the line on which its row begins; the others are empty.
    """

    def __init__(self, groups: Iterator[Lines]) -> None:
        self._groups = groups
        self._number = 1
        self._pending = b""

    def read1(self, size: int, /) -> bytes:
        """At most so many bytes; nothing at the end."""
        while not self._pending and (group := next(self._groups, None)) is not None:
            self._pending = b"".join(map(self._placed, group.lines, group.numbers))
        chunk, self._pending = self._pending[:size], self._pending[size:]
        return chunk

    def _placed(self, line: bytes, number: int) -> bytes:
        empty, self._number = number - self._number, number + 1
        return b"\n" * empty + line + b"\n"


class _Row(NamedTuple):
    """A record. number: of the line on which it begins; no cells: an empty line or a pause."""

    number: int
    cells: list[str]
    is_text: bool


class _Rows:
    """The records of a CSV file. end: how many bytes were read."""

    def __init__(self, stream: ByteStream, name: str, *, separator: str, first: int) -> None:
        self._stream = LineEnds(stream)
        self._name = name
        self._separator = separator
        self._first = first
        self._number = 0
        self._begin = 0
        self._has_header = False
        self._is_text = True

    @property
    def end(self) -> int:
        """How many bytes were read."""
        return self._stream.end

    def read(self) -> Iterator[_Row]:
        """The records, and one without cells at the end of the bytes read so far."""
        records = csv.reader(self._texts(), delimiter=self._separator, strict=True)
        while True:
            self._begin, self._is_text = 0, True
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                fault = _quote_fault(error)
                msg = (
                    f"line {self._begin} of {self._name} is no CSV: {fault}; "
                    f"--from-line {self._begin + 1} passes over it"
                )
                raise SourceTrouble(msg) from error
            if cells and not self._has_header:
                self._has_header = True
                if not self._is_text:
                    msg = f"line {self._begin} of {self._name}, the header, is not UTF-8"
                    raise SourceTrouble(msg)
            yield _Row(self._begin, cells, self._is_text)

    def _texts(self) -> Iterator[str]:
        for raw in raw_lines(self._stream, self._name, first=self._first):
            for line in raw.lines:
                self._number += 1
                if self._has_header and self._number < self._first:
                    continue
                self._begin = self._begin or self._number
                yield self._text(line)
            yield ""  # Ends a chunk but no cell: only a line end ends a cell.

    def _text(self, line: bytes) -> str:
        try:
            return line.decode("utf-8") + "\n"
        except UnicodeDecodeError:
            self._is_text = False
            return line.decode("utf-8", "replace") + "\n"


def _quote_fault(error: csv.Error) -> str:
    """What is wrong with the quotes of a row; all that a reader of CSV complains about here."""
    text = str(error)
    if "end of data" in text:
        return "a quote is opened and never closed"
    if "limit" in text:
        return f"a cell is longer than {csv.field_size_limit()} characters"
    return "a cell goes on behind its closing quote"


def _check_header(header: list[str], mapping: ColumnMapping, *, name: str) -> None:
    """See that each column is there just once. Errors: SourceTrouble names those that are not."""
    counts = {field: header.count(column) for field, column in mapping.columns.items()}
    missing = [field for field, count in counts.items() if count == 0]
    several = [field for field, count in counts.items() if count > 1]
    if not missing and not several:
        return
    for called, separator in SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            msg = (
                f"the cells of {name} seem to be separated by {called!r}, not by "
                f"{mapping.separator!r}: give --separator '{called}'"
            )
            raise SourceTrouble(msg)
    faults = [
        f"{what} {', '.join(_column_text(mapping, field) for field in fields)}"
        for what, fields in (("no column", missing), ("several columns", several))
        if fields
    ]
    msg = (
        f"{name} has {' and '.join(faults)}; it has {', '.join(map(repr, header))}. "
        "Name the column with --map field=column, or the same for all rows with --set"
    )
    raise SourceTrouble(msg)


def _column_text(mapping: ColumnMapping, field: str) -> str:
    """A column, and the field it is for where that has another name."""
    column = mapping.columns[field]
    return repr(column) if column == field else f"{column!r} (for {field})"


def _line(row: _Row, header: list[str], *, mapping: ColumnMapping, table_at: TableAt) -> bytes:
    """A row as a command. One that cannot be told apart into cells gets a field that none has."""
    cells = dict(zip(header, row.cells, strict=False))
    texts = {field: cells[column] for field, column in mapping.columns.items() if column in cells}
    texts.update(mapping.constants)
    if mapping.decimal_sign == ",":
        of_decimals = ("price", "lots") if GPU in texts else ("price",)
        texts |= {name: _with_point(texts[name]) for name in of_decimals if name in texts}
    if GPU in texts:
        texts = trade_in_scu(texts, table_at)
    fields: dict[str, object] = {
        name: int(texts[name]) if name in _NUMBERS and _NUMBER.fullmatch(texts[name]) else value
        for name in FIELDS
        if name in texts
        for value in [texts[name]]
    }
    if len(row.cells) != len(header):
        fields[f"row_of_{len(row.cells)}_cells_not_{len(header)}"] = None
    if not row.is_text:
        fields["row_that_is_not_UTF_8"] = None
    return _ENCODER.encode({"type": SubmitTrade.TYPE, **fields}).encode()


def _with_point(price: str) -> str:
    """A number with a decimal comma. One with a point is none: it could mean thousands."""
    return f"{price} (with a point)" if "." in price else price.replace(",", ".")


def _check_first(line: bytes, row: _Row, *, name: str, mapping: ColumnMapping) -> None:
    """Raise SourceTrouble if the first row is no trade: then the mapping is wrong."""
    command = decode_command(line)
    if isinstance(command, Malformed):
        hint = "see --map and --set"
        if mapping.decimal_sign == "." and "," in str(command.fields.get("price")):
            hint = "if its decimal sign is a comma, give --decimal ','"
        msg = (
            f"line {row.number} of {name}, the first row, makes no trade: {command.detail}. "
            f"Nothing of it was sent; {hint}, or pass over it with --from-line {row.number + 1}"
        )
        raise SourceTrouble(msg)
