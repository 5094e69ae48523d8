"""The table of margin models: one line each; a product's configuration names one (RULEBOOK §5)."""

from __future__ import annotations

from typing import Final

from risk import margin_paper
from risk.margin import MarginModel
from risk.portfolio import sum_of_parts

MODELS: Final[dict[str, MarginModel]] = {
    model.name: model
    for model in (
        MarginModel(
            "paper",
            margin_paper.HISTORY_DAYS,
            margin_paper.PARAMETERS,
            margin_paper.measure,
            sum_of_parts,
        ),
    )
}

# What every market keeps: a product may choose any model from one session to the next.
HISTORY_DAYS: Final = max(model.history_days for model in MODELS.values())
