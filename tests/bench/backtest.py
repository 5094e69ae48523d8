"""`backtest`: every margin model on the whole history that ships, from prices to JSON.

CPU seconds, of all threads, from the file of the index to the JSON of `clearing backtest --format
json`, the start of Python not counted, against ten, which is what is allowed on one slow core.
seconds_by_model: of each alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any, Final

from risk.margin import MarginModel
from risk.margin_models import MODELS
from services.backtest.index_series import shipped_index
from services.backtest.on_index import backtest_index
from services.backtest.outcome import outcome_tree
from tests.bench.figure import Figure, line_of

ALLOWED_SECONDS: Final = 10.0


def run(_: Path, *, days: int) -> dict[str, Any]:
    """Test all models on the first days of the history, and each alone."""
    by_model = {name: round(_seconds([model], days=days), 3) for name, model in MODELS.items()}
    together = _seconds([*MODELS.values()], days=days)
    figure = Figure("all models", "s", together, ALLOWED_SECONDS, 1, "at_most")
    return line_of("backtest", [figure], days=days, seconds_by_model=by_model)


def _seconds(models: list[MarginModel], *, days: int) -> float:
    begun = process_time()
    prices = shipped_index()
    last = prices.days[min(days, len(prices.days)) - 1]
    json.dumps(outcome_tree(backtest_index(prices, models, source="", days=2, until=last)))
    return process_time() - begun
