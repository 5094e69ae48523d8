"""The tokens that a firm plans to burn, month by month, from a CSV file.

In: a file with the columns month (2025-04) and mtok (millions of tokens). Out: the first month and
the plan. Errors: UsageFileTrouble, with the file, the line and what is expected there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from events.contracts import Delivery
from events.units import parse_decimal
from risk.price_model import FloatArray

MTOK_MAX: Final = 10**9
_COLUMNS: Final = ("month", "mtok")
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_SHOWN: Final = 60
_ROWS_MIN: Final = 2


class UsageFileTrouble(ValueError):
    """A file of usage cannot be used; the message names the line and the reason."""


class Usage(NamedTuple):
    """A plan. first: its first month, None where it has no date; mtok: (months,), a lot each."""

    first: Delivery | None
    mtok: FloatArray


def usage_of_file(path: Path) -> Usage:
    """The plan in a file. Errors: UsageFileTrouble."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise UsageFileTrouble(msg) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path} line {line}: expected UTF-8, found byte {error.object[error.start]:#04x}"
        raise UsageFileTrouble(msg) from error
    return _usage(str(path), text.splitlines())


def mtok_of(text: str) -> float:
    """Millions of tokens. Errors: ValueError, unless it is a number from 0 to MTOK_MAX."""
    try:
        amount = parse_decimal(text.strip())
    except ValueError as error:
        msg = f"mtok: {error}, in millions of tokens without a unit"
        raise ValueError(msg) from error
    if not 0 <= amount <= MTOK_MAX:
        msg = f"mtok: expected 0 to {MTOK_MAX:,} millions of tokens, found {text.strip()}"
        raise ValueError(msg)
    return float(amount)


def _usage(name: str, lines: Sequence[str]) -> Usage:
    rows = _rows(name, lines)
    number, head = next(rows, (1, []))
    if sorted(head) != sorted(_COLUMNS):
        heads = ",".join(head)[:_SHOWN] or "nothing"
        msg = (
            f"{name} line {number}: expected the columns month and mtok (millions of tokens), "
            f"found {heads}"
        )
        raise UsageFileTrouble(msg)
    months: list[Delivery] = []
    mtok: list[float] = []
    for number, cells in rows:
        try:
            values = _by_column(head, cells)
            months.append(_following(values["month"], months))
            mtok.append(mtok_of(values["mtok"]))
        except ValueError as error:
            msg = f"{name} line {number}: {error}"
            raise UsageFileTrouble(msg) from error
    if len(mtok) < _ROWS_MIN or not any(mtok):
        msg = (
            f"{name} line {number}: expected at least {_ROWS_MIN} months and some tokens, "
            f"found {len(mtok)} months with {sum(mtok):g} mtok"
        )
        raise UsageFileTrouble(msg)
    return Usage(months[0], np.array(mtok))


def _rows(name: str, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        msg = f"{name} line {reader.line_num}: not CSV: {error}"
        raise UsageFileTrouble(msg) from error


def _by_column(head: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """The cells by their columns. Errors: ValueError, unless each column has one."""
    if len(cells) != len(head):
        msg = f"expected {len(head)} cells, found {len(cells)}"
        raise ValueError(msg)
    return dict(zip(head, cells, strict=True))


def _following(text: str, months: Sequence[Delivery]) -> Delivery:
    """The month. Errors: ValueError, unless it is the one after the last."""
    match = _MONTH.fullmatch(text)
    if match is None:
        msg = f"month: expected a month as 2025-04, found {text[:_SHOWN]!r}"
        raise ValueError(msg)
    month = Delivery(int(match[1]), int(match[2]))
    if months and month != months[-1].next:
        msg = f"month: expected {months[-1].next.text}, without gap or repeat, found {text}"
        raise ValueError(msg)
    return month
