"""The tokens that a firm plans to burn, month by month, from a CSV file.

In: a file with the columns month (2025-04) and mtok (millions of tokens). Out: the first month and
the plan. Errors: CsvTrouble, with the file, the line and what is expected there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from events.contracts import Delivery
from events.units import parse_decimal
from risk.price_model import FloatArray
from services.sources.named_columns import CsvTrouble, NamedColumns, rows_of_file

MTOK_MAX: Final = 10**9
_COLUMNS: Final = NamedColumns(("month", "mtok"), hint=" (millions of tokens)")
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_SHOWN: Final = 60
_ROWS_MIN: Final = 2


class Usage(NamedTuple):
    """A plan. first: its first month, None where it has no date; mtok: (months,), a lot each."""

    first: Delivery | None
    mtok: FloatArray


def usage_of_file(path: Path) -> Usage:
    """The plan in a file. Errors: CsvTrouble."""
    months: list[Delivery] = []

    def tokens(cells: Mapping[str, str]) -> float:
        months.append(_following(cells["month"], months))
        return mtok_of(cells["mtok"])

    mtok = rows_of_file(path, _COLUMNS, parse=tokens)
    if len(mtok) < _ROWS_MIN or not any(mtok):
        msg = (
            f"{path}: expected at least {_ROWS_MIN} months and some tokens, "
            f"found {len(mtok)} months with {sum(mtok):g} mtok"
        )
        raise CsvTrouble(msg)
    return Usage(months[0], np.array(mtok))


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
