"""The table of margin models: one line each; a product's configuration names one (RULEBOOK §5)."""

from __future__ import annotations

from typing import Final

from risk import margin_apc, margin_paper, margin_scan, margin_shortfall
from risk.margin import MarginModel
from risk.portfolio import sum_of_parts, tail_mean, worst_scenario
from risk.tail_range import HISTORY
from risk.volatility import PRICES

PAPER: Final = "paper"
SCAN: Final = "scan"
_EQ_7: Final = ("margin_alpha_ppm", "margin_days", "margin_floor_ppm")

MODELS: Final[dict[str, MarginModel]] = {
    model.name: model
    for model in (
        MarginModel(
            name=PAPER,
            history_days=PRICES,
            parameters=_EQ_7,
            measure=margin_paper.measure,
            require=sum_of_parts,
        ),
        MarginModel(
            name="paper_apc",
            history_days=margin_apc.APC_HISTORY,
            parameters=(*_EQ_7, "apc_stressed_ppm", "apc_buffer_ppm", "apc_floor_days"),
            measure=margin_apc.apc_rate,
            require=sum_of_parts,
        ),
        MarginModel(
            name=SCAN,
            history_days=HISTORY,
            parameters=(),
            measure=margin_scan.scan_losses,
            require=worst_scenario,
            portfolio_parameters=("scan_product_credit_ppm",),
            scenario_names=margin_scan.SCAN_NAMES,
        ),
        MarginModel(
            name="expected_shortfall",
            history_days=margin_shortfall.SHORTFALL_HISTORY,
            parameters=("shortfall_scenarios", "margin_floor_ppm"),
            measure=margin_shortfall.shortfall_losses,
            require=tail_mean,
        ),
    )
}

# Every market keeps as many days: a product may choose any model from one session to the next.
HISTORY_DAYS: Final = max(model.history_days for model in MODELS.values())
