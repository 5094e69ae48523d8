"""The measures of the margin models at the close (RULEBOOK §5).

In: the contracts with a settlement price today. Out: `margin_rate_set` or `margin_scenarios_set`
for each, and the band alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.control_commands import CloseSession
from events.market_facts import MarginRateAboveBand, MarginRateSet, MarginScenariosSet
from risk.margin import RATE, ContractHistory, MarginModel, Measure, rate
from risk.margin_models import MODELS, PAPER
from services.shards.market.books import ContractBooks, MarketBooks, MarketEmission


def margin_model_of(books: MarketBooks) -> MarginModel:
    """The margin model in force for the product."""
    return MODELS[books.control.parameter_text("margin_model", books.product.code)]


def measure_of(books: MarketBooks, contract: ContractBooks) -> Measure:
    """The measure of a contract's last close; before the first the floor."""
    if contract.measure is not None:
        return contract.measure
    return rate(books.control.parameter("margin_floor_ppm", books.product.code))


def state_measures(
    books: MarketBooks,
    contracts: list[ContractBooks],
    *,
    command: CloseSession,
    emit: MarketEmission,
) -> None:
    """State the measure of each contract, in force from this close."""
    parameter, model = books.control.parameters_of(books.product.code), margin_model_of(books)
    fixings = [fixing.value_micros for fixing in books.index.fixings]
    for contract in contracts:
        history = ContractHistory(contract.settlements, fixings)
        measure = _measure(model, history, parameter=parameter)
        stated = {
            "at": command.at,
            "contract": contract.symbol,
            "business_date": command.business_date,
        }
        if measure.axis == RATE:
            rate_ppm = measure.shocks_ppm[0]
            emit(MarginRateSet.model_validate(stated | {"rate_ppm": rate_ppm, **measure.evidence}))
        else:
            rate_ppm = _measure(MODELS[PAPER], history, parameter=parameter).shocks_ppm[0]
            emit(_scenarios_set(stated, measure, model=model.name, paper_rate_ppm=rate_ppm))
        if rate_ppm > parameter("margin_band_ppm"):
            emit(MarginRateAboveBand.model_validate(stated | {"rate_ppm": rate_ppm}))


def _measure(
    model: MarginModel, history: ContractHistory, *, parameter: Callable[[str], int]
) -> Measure:
    return model.measure(history, {name: parameter(name) for name in model.parameters})


def _scenarios_set(
    stated: Mapping[str, Any], measure: Measure, *, model: str, paper_rate_ppm: int
) -> MarginScenariosSet:
    scenarios = {
        "model": model,
        "axis": measure.axis,
        "shocks_ppm": measure.shocks_ppm,
        "evidence": dict(measure.evidence),
        "fallback": measure.fallback,
        "paper_rate_ppm": paper_rate_ppm,
    }
    return MarginScenariosSet.model_validate({**stated, **scenarios})
