"""The index that margin is tested on: the history that ships, or a file of columns date and tpi.

In: `index_history.csv` beside this module, or a path. Out: days and prices, oldest first. Errors:
IndexFileTrouble, with the line and what is wrong there.

The history that ships is of 732 business days, 2023-03-14 to 2025-12-31: the TPI (RULEBOOK §2) of
list prices in USD per million tokens, three input to one output, of the cheapest qualifying model
of each provider, weighed by trailing router tokens, 30 % cap. Facts restated from the litellm price
map, AgentOps-AI/tokencost, anomalyco/models.dev, pydantic/genai-prices, Portkey-AI/models and
langfuse (all MIT); scores from LLMStats llm-leaderboard (CC-BY-4.0), openai/simple-evals (MIT) and
model cards; tokens from johnbean393/openrouter-inference-stats (figures only).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Final

from events.units import micros, parse_date, parse_decimal
from risk.backtest import IndexSeries

COLUMNS: Final = ("date", "tpi")
SHIPPED: Final = "index_history.csv"
_USD_MAX: Final = 10**9
_NAMES_SHOWN: Final = 6

_Row = tuple[int, list[str]]


class IndexFileTrouble(Exception):
    """A file of an index cannot be used; the message names the line and the reason."""


def shipped_index() -> IndexSeries:
    """The history that ships with the program."""
    text = files("services.backtest").joinpath(SHIPPED).read_text("utf-8")
    return _series(SHIPPED, text.splitlines())


def index_of_file(path: Path) -> IndexSeries:
    """The index in a CSV file; columns other than date and tpi are not read.

    Errors: IndexFileTrouble.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise IndexFileTrouble(msg) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path} line {line}: expected UTF-8, found byte {error.object[error.start]:#04x}"
        raise IndexFileTrouble(msg) from error
    return _series(str(path), text.splitlines())


def _series(name: str, lines: Sequence[str]) -> IndexSeries:
    rows = _rows(name, lines)
    number, head = next(rows, (1, []))
    if not {*COLUMNS} <= {*head}:
        shown = ", ".join(head[:_NAMES_SHOWN]) or "nothing"
        msg = f"{name} line {number}: expected the columns date and tpi, found {shown[:80]!r}"
        raise IndexFileTrouble(msg)
    if len(head) != len({*head}):
        msg = f"{name} line {number}: expected each column once"
        raise IndexFileTrouble(msg)
    days: list[date] = []
    prices: list[int] = []
    for number, cells in rows:
        if len(cells) != len(head):
            msg = f"{name} line {number}: expected {len(head)} cells, found {len(cells)}"
            raise IndexFileTrouble(msg)
        values = dict(zip(head, cells, strict=True))
        try:
            days.append(_following(parse_date(values["date"].strip()), days))
            prices.append(_price_micros(values["tpi"].strip()))
        except ValueError as error:
            msg = f"{name} line {number}: {error}"
            raise IndexFileTrouble(msg) from error
    return IndexSeries(days, prices)


def _rows(name: str, lines: Sequence[str]) -> Iterator[_Row]:
    """The lines that are not empty, with their numbers."""
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        msg = f"{name} line {reader.line_num}: not CSV: {error}"
        raise IndexFileTrouble(msg) from error


def _following(day: date, days: Sequence[date]) -> date:
    """The day. Errors: ValueError, unless it is later than the last."""
    if days and day == days[-1]:
        msg = f"expected each date once, found {day} again"
        raise ValueError(msg)
    if days and day < days[-1]:
        msg = f"expected a date after {days[-1]}, found {day}"
        raise ValueError(msg)
    return day


def _price_micros(text: str) -> int:
    """Millionths of a dollar. Errors: ValueError, unless it is a price above zero."""
    price = micros(Fraction(parse_decimal(text)))
    if not 0 < price <= _USD_MAX * 1_000_000:
        msg = f"expected a price of at least a millionth and at most {_USD_MAX:,}, found {text}"
        raise ValueError(msg)
    return price
