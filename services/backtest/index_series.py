"""The index that margin is tested on: the history that ships, or a file of columns date and tpi.

In: `index_history.csv` beside this module, or a path. Out: days and prices, oldest first. Errors:
CsvTrouble, with the line and what is wrong there.

The history that ships is of 732 business days, 2023-03-14 to 2025-12-31: the TPI (RULEBOOK §2) of
list prices in USD per million tokens, three input to one output, of the cheapest qualifying model
of each provider, weighed by trailing router tokens, 30 % cap. Facts restated from the litellm price
map, AgentOps-AI/tokencost, anomalyco/models.dev, pydantic/genai-prices, Portkey-AI/models and
langfuse (all MIT); scores from LLMStats llm-leaderboard (CC-BY-4.0), openai/simple-evals (MIT) and
model cards; tokens from johnbean393/openrouter-inference-stats (figures only).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

from events.units import micros, parse_date, parse_decimal
from risk.backtest import IndexSeries
from services.sources.named_columns import NamedColumns, rows_of_file, rows_of_text

SHIPPED: Final = "index_history.csv"
_COLUMNS: Final = NamedColumns(("date", "tpi"), is_open=True)
_USD_MAX: Final = 10**9


def shipped_index() -> IndexSeries:
    """The history that ships with the program."""
    text = files("services.backtest").joinpath(SHIPPED).read_text("utf-8")
    return _series(partial(rows_of_text, SHIPPED, text, columns=_COLUMNS))


def index_of_file(path: Path) -> IndexSeries:
    """The index in a CSV file; columns other than date and tpi are not read.

    Errors: CsvTrouble.
    """
    return _series(partial(rows_of_file, path, _COLUMNS))


def _series(read: Callable[..., list[int]]) -> IndexSeries:
    days: list[date] = []

    def price_micros(cells: Mapping[str, str]) -> int:
        days.append(_following(parse_date(cells["date"]), days))
        return _price_micros(cells["tpi"])

    return IndexSeries(days, read(parse=price_micros))


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
