"""The measures of the margin models at the close (RULEBOOK §5).

In: the contracts with a settlement price today. Out: `margin_rate_set` for each, and the band
alert.
"""

from __future__ import annotations

from events.control_commands import CloseSession
from events.market_facts import MarginRateAboveBand, MarginRateSet
from risk.margin import RATE, ContractHistory, MarginModel, Measure, rate
from risk.margin_models import MODELS
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
    settings = {name: parameter(name) for name in model.parameters}
    fixings = [fixing.value_micros for fixing in books.index.fixings]
    for contract in contracts:
        measure = model.measure(ContractHistory(contract.settlements, fixings), settings)
        assert measure.axis == RATE, f"{model.name} measures {measure.axis}, which no fact states"
        stated = {
            "at": command.at,
            "contract": contract.symbol,
            "business_date": command.business_date,
            "rate_ppm": measure.shocks_ppm[0],
        }
        emit(MarginRateSet.model_validate(stated | dict(measure.evidence)))
        if measure.shocks_ppm[0] > parameter("margin_band_ppm"):
            emit(MarginRateAboveBand.model_validate(stated))
