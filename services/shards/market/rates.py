"""Margin rates at the close, by the model in force (RULEBOOK §5).

In: the contracts with a settlement price today. Out: `margin_rate_set` for each, and the band
alert.
"""

from __future__ import annotations

from events.control_commands import CloseSession
from events.market_facts import MarginRateAboveBand, MarginRateSet
from risk.margin_models import MODELS, MarginParameters, is_above_band
from services.shards.emission import Emission
from services.shards.market.books import ContractBooks, MarketBooks


def floor_ppm(books: MarketBooks) -> int:
    """The rate of a contract before its first close."""
    return books.control.parameter("margin_floor_ppm", books.product.code)


def state_rates(
    books: MarketBooks, contracts: list[ContractBooks], *, command: CloseSession, emit: Emission
) -> None:
    """State the rate of each contract, from this close on."""
    code = books.product.code
    parameters = MarginParameters(
        alpha_ppm=books.control.parameter("margin_alpha_ppm", code),
        close_out_days=books.control.parameter("margin_days", code),
        floor_ppm=floor_ppm(books),
        band_ppm=books.control.parameter("margin_band_ppm", code),
    )
    model = MODELS[books.control.parameter_text("margin_model", code)]
    fixings = [fixing.value_micros for fixing in books.index.fixings]
    for contract in contracts:
        rate = model(contract.settlements, fixings, parameters=parameters)
        emit(
            MarginRateSet(
                at=command.at,
                contract=contract.symbol,
                business_date=command.business_date,
                rate_ppm=rate.rate_ppm,
                sigma_ppm=rate.sigma_ppm,
                sigma_source=rate.sigma_source,
            )
        )
        if is_above_band(rate, parameters=parameters):
            emit(
                MarginRateAboveBand(
                    at=command.at,
                    contract=contract.symbol,
                    business_date=command.business_date,
                    rate_ppm=rate.rate_ppm,
                )
            )
