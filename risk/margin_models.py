"""The table of margin models: one line each; a product's configuration names one (RULEBOOK §5)."""

from __future__ import annotations

from typing import Final

from risk import margin_paper
from risk.margin import MarginModel
from risk.portfolio import sum_of_parts
from risk.volatility import PRICES

PAPER: Final = "paper"

MODELS: Final[dict[str, MarginModel]] = {
    model.name: model
    for model in (
        MarginModel(
            name=PAPER,
            history_days=PRICES,
            parameters=("margin_alpha_ppm", "margin_days", "margin_floor_ppm"),
            measure=margin_paper.measure,
            require=sum_of_parts,
        ),
    )
}

# Every market keeps as many days: a product may choose any model from one session to the next.
HISTORY_DAYS: Final = max(model.history_days for model in MODELS.values())
