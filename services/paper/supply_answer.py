"""What changes of the factors do to supply, cost, demand by tier and the futures curve.

In: factors, changes at once and growth by the year, as fractions. Out: a report: the factors and
what follows from them before and after; then each change alone, all of them, a year of growth. The
curve is that of the baseline with its index at the start: today's price stays, its level moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import exp, log
from typing import Final

import numpy as np

from events.units import PPM
from risk.price_curve import futures_prices
from risk.price_model import MONTHS, PriceModel
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS, START_PRICE
from risk.supply import (
    COST_ELASTICITIES,
    DEMAND_TIERS,
    SUPPLY_ELASTICITIES,
    SupplyFactors,
    cost_response,
    log_change,
    model_after,
)
from services.reports.report import Cell, NamedCells, Report, TableLayout, laid_out

CURVE_MONTHS: Final = (1, 3, 6, 12)
_MODEL: Final = PRICE_SCENARIOS[BASELINE].model
_SYMBOLS: Final = {"hardware": "η_H", "algorithm": "η_A", "capital": "K", "energy": "C_E"}
_DEMAND: Final = tuple(f"{tier.name}_ppm" for tier in DEMAND_TIERS)
_CURVE: Final = tuple(f"month_{months}_micros" for months in CURVE_MONTHS)
_RESPONSE: Final = tuple(f"month_{months}_ppm" for months in CURVE_MONTHS)
_FACTOR: Final = ("symbol", "before", "after", "supply_elasticity", "cost_elasticity")
_MOVED: Final = ("supply_ppm", "marginal_cost_ppm", *_DEMAND)
_PRICED: Final = ("level_micros", "trend_ppm", *_CURVE)
_COLUMNS: Final = ("line", "scope", *_FACTOR, "elasticity", "reason", *_MOVED, *_PRICED, *_RESPONSE)
_LAYOUTS: Final = (
    TableLayout(
        ("scope", *_FACTOR),
        "Factors, in index points of today (100) or as given: Q = η_H η_A K / C_E, marginal cost "
        "C_E / (η_H η_A)\nElasticity: percent more for a percent more of the factor",
        ("factor", "result"),
    ),
    TableLayout(("scope", "elasticity", "reason"), "Tiers of demand", ("tier",)),
    TableLayout(
        ("scope", *_MOVED),
        "Change of supply, of marginal cost and, once the price has followed cost, of demand",
        ("change", "growth"),
    ),
    TableLayout(
        ("scope", *_PRICED),
        "Long-run level e^θ₀, trend β of its log by the year, and futures by months to go, in $ a "
        "million tokens",
        ("before", "change", "growth", "together"),
    ),
    TableLayout(
        ("scope", *_RESPONSE),
        "Of a change of marginal cost futures take so much, by months to go: 1 − e^(−κτ)",
        ("response",),
    ),
)


def supply_answer(
    factors: SupplyFactors, *, changes: Mapping[str, float], growth: Mapping[str, float]
) -> Report:
    """What these changes at once, and this growth by the year, do. Errors: OutOfDomain."""
    after = factors.changed(changes)
    rows = [*_factor_rows(factors, after), *_tier_rows(), *_moved_rows(changes, growth)]
    return Report(
        "Supply of tokens and the futures curve (scenario baseline, index at "
        f"${START_PRICE:.2f}, eq. 1-3 and 13)",
        _COLUMNS,
        [laid_out(_COLUMNS, row) for row in rows],
        _LAYOUTS,
    )


def _factor_rows(before: SupplyFactors, after: SupplyFactors) -> Iterator[NamedCells]:
    later = asdict(after)
    for name, value in asdict(before).items():
        yield {
            "line": "factor", "scope": name, "symbol": _SYMBOLS[name],
            "before": f"{value:.6g}", "after": f"{later[name]:.6g}",
            "supply_elasticity": SUPPLY_ELASTICITIES[name],
            "cost_elasticity": COST_ELASTICITIES[name],
        }  # fmt: skip
    for name in ("supply", "marginal_cost"):
        levels = {
            when: f"{getattr(factors, name):.6g}"
            for when, factors in (("before", before), ("after", after))
        }
        yield {"line": "result", "scope": name.replace("_", " "), **levels}


def _tier_rows() -> Iterator[NamedCells]:
    for tier in DEMAND_TIERS:
        cells: NamedCells = {"elasticity": tier.elasticity, "reason": tier.reason}
        yield {"line": "tier", "scope": tier.name, **cells}


def _moved_rows(changes: Mapping[str, float], growth: Mapping[str, float]) -> Iterator[NamedCells]:
    yield {"line": "before", "scope": "before", **_priced(_MODEL)}
    scopes = {f"{name} {100 * change:+.6g} %": {name: change} for name, change in changes.items()}
    if len(changes) > 1:
        scopes["all changes"] = dict(changes)
    for scope, chosen in scopes.items():
        model = model_after(_MODEL, changes=chosen, growth={})
        yield {"line": "change", "scope": scope, **_moved(chosen), **_priced(model)}
    if growth:
        model = model_after(_MODEL, changes={}, growth=growth)
        yield {"line": "growth", "scope": "a year of growth", **_moved(growth), **_priced(model)}
    if growth and changes:
        model = model_after(_MODEL, changes=changes, growth=growth)
        yield {"line": "together", "scope": "changes and growth", **_priced(model)}
    shares = [_millionths(cost_response(_MODEL, months / MONTHS)) for months in CURVE_MONTHS]
    yield {
        "line": "response", "scope": "log of the price",
        **dict(zip(_RESPONSE, shares, strict=True)),
    }  # fmt: skip


def _moved(changes: Mapping[str, float]) -> dict[str, Cell]:
    """The changes of supply, cost and demand."""
    cost = exp(log_change(COST_ELASTICITIES, changes))
    ratios = [exp(log_change(SUPPLY_ELASTICITIES, changes)), cost]
    ratios += [tier.demand(cost) for tier in DEMAND_TIERS]
    return {name: _millionths(ratio - 1) for name, ratio in zip(_MOVED, ratios, strict=True)}


def _priced(model: PriceModel) -> dict[str, Cell]:
    """The level, the trend and the curve of a model."""
    months = np.asarray(CURVE_MONTHS) / MONTHS
    prices = futures_prices(model, log(START_PRICE), now=0.0, expiry=months)
    amounts = [exp(model.theta), model.beta, *prices.tolist()]
    return {name: _millionths(amount) for name, amount in zip(_PRICED, amounts, strict=True)}


def _millionths(amount: float) -> int:
    """The nearest."""
    return round(amount * PPM)
