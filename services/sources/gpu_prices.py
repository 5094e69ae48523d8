"""Reads hours of GPUs and their prices, from CSV or JSON lines.

In: a stream with the fields `gpu`, `hours`, `usd_per_hour` and perhaps `at`: CSV with a header, or
a JSON object a line with its numbers in quotes. Out: rows, and the rows that are none, by line and
reason. Errors: SourceTrouble, for a header that lacks a column and for quotes that are not closed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any, Final, NamedTuple, TypeVar

from events.strict_json import NotStrict, shown, strict_object
from events.units import parse_decimal, parse_instant
from services.sources.source import ByteStream, SourceTrouble

PRICE_COLUMNS: Final = ("gpu", "hours", "usd_per_hour")
AT: Final = "at"
_CHUNK_BYTES: Final = 1 << 20
_Value = TypeVar("_Value")


class GpuPrice(NamedTuple):
    """Hours of a GPU at a price. row: its line in the file; at: None where it has no time."""

    row: int
    gpu: str
    hours: Decimal
    usd_per_hour: Decimal
    at: int | None


class WrongRow(NamedTuple):
    """A row that is no price of GPU hours, by its line."""

    row: int
    reason: str


def gpu_prices(
    stream: ByteStream, name: str, *, needs_time: bool = False
) -> Iterator[GpuPrice | WrongRow]:
    """The rows of a file, in their order. needs_time: a row without a time is none."""
    text = b"".join(iter(lambda: stream.read1(_CHUNK_BYTES), b"")).decode("utf-8-sig", "replace")
    columns = (*PRICE_COLUMNS, AT) if needs_time else PRICE_COLUMNS
    is_json = text.lstrip()[:1] == "{"
    for row, fields in _json_rows(text) if is_json else _csv_rows(text, name, columns=columns):
        if isinstance(fields, str):
            yield WrongRow(row, fields)
            continue
        try:
            yield _price(row, fields, needs_time=needs_time)
        except ValueError as error:
            yield WrongRow(row, str(error))


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The objects of the lines that are not empty, or what is wrong with one."""
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield row, strict_object(line.encode())
            except NotStrict as error:
                yield row, str(error)


def _csv_rows(
    text: str, name: str, *, columns: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The rows by the header's names, or what is wrong with one."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not header:
                header = [cell.strip() for cell in cells]
                _check_header(header, name, columns=columns)
            elif len(cells) == len(header):
                yield reader.line_num, dict(zip(header, map(str.strip, cells), strict=True))
            elif cells:
                yield reader.line_num, f"expected {len(header)} cells, found {len(cells)}"
    except csv.Error as error:
        msg = f"line {reader.line_num} of {name} is no CSV: {error}"
        raise SourceTrouble(msg) from error
    _check_header(header, name, columns=columns)


def _check_header(header: Sequence[str], name: str, *, columns: Sequence[str]) -> None:
    lacking = [column for column in columns if header.count(column) != 1]
    if lacking:
        msg = (
            f"{name}: expected one column {' and one '.join(lacking)}, "
            f"found {', '.join(header)[:100]!r}"
        )
        raise SourceTrouble(msg)


def _price(row: int, fields: Mapping[str, Any], *, needs_time: bool) -> GpuPrice:
    """A row of texts. Errors: ValueError, with field, expected and actual text."""
    gpu = _of_field(fields, "gpu", parse=str)
    hours, price = (
        _of_field(fields, name, parse=_above_zero) for name in ("hours", "usd_per_hour")
    )
    has_time = needs_time or fields.get(AT) not in (None, "")
    return GpuPrice(
        row, gpu, hours, price, _of_field(fields, AT, parse=parse_instant) if has_time else None
    )


def _of_field(fields: Mapping[str, Any], name: str, *, parse: Callable[[str], _Value]) -> _Value:
    try:
        if name in fields and isinstance(fields[name], str):
            return parse(fields[name])
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ValueError(msg) from error
    msg = f"{name}: expected text in quotes, found {shown(fields.get(name))}"
    raise ValueError(msg)


def _above_zero(text: str) -> Decimal:
    number = parse_decimal(text)
    if number <= 0:
        msg = f"expected above 0, found {text}"
        raise ValueError(msg)
    return number
