"""The measures of the margin models at the close (RULEBOOK §5).

In: the contracts with a settlement price today. Out: `margin_rate_set` or `margin_scenarios_set`
for each, the inputs of its add-ons, and the band alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import median_low
from typing import Any, Final, NamedTuple

import numpy as np

from events.control_commands import CloseSession
from events.market_facts import (
    MarginAddOnSet,
    MarginRateAboveBand,
    MarginRateSet,
    MarginScenariosSet,
)
from risk.margin import NO_ADD_ON, RATE, AddOn, ContractHistory, MarginModel, Measure, rate
from risk.margin_models import MODELS, PAPER
from services.shards.market.books import (
    ContractBooks,
    MarketBooks,
    MarketEmission,
    ranks_after,
)

_DAY: Final = timedelta(days=1)
_SIGMA: Final = ("sigma_ppm", "sigma_source")
_CONCENTRATION: Final = "concentration"
_JUMP: Final = "jump_to_limit"


class ContractMeasure(NamedTuple):
    """The measure of a contract in a cycle and the model that gave it."""

    model: str
    measure: Measure


def margin_model_of(books: MarketBooks) -> MarginModel:
    """The margin model in force for the product."""
    return MODELS[books.control.parameter_text("margin_model", books.product.code)]


def measure_of(books: MarketBooks, contract: ContractBooks) -> ContractMeasure:
    """The measure of a contract's last close.

    Before the first the floor, under a model of scenarios what it measures on the fixings alone.
    """
    if contract.measure is not None:
        return ContractMeasure(contract.margin_model, contract.measure)
    model, session = margin_model_of(books), books.control.business_date
    if model.name == PAPER or session is None:
        floor = books.control.parameter("margin_floor_ppm", books.product.code)
        return ContractMeasure(model.name, rate(floor))
    (history,) = _histories(books, [contract], business_date=session)
    return ContractMeasure(model.name, _measured(books, model, history=history))


def measure_under(
    books: MarketBooks, contract: ContractBooks, *, model: MarginModel, business_date: date
) -> Measure:
    """What a model, in force or not, measures on what a market knows after a close."""
    (history,) = _histories(
        books, [contract], business_date=business_date, expired_by=business_date
    )
    return _measured(books, model, history=history)


def state_measures(
    books: MarketBooks,
    contracts: list[ContractBooks],
    *,
    command: CloseSession,
    emit: MarketEmission,
) -> None:
    """State the measure of each contract, in force from this close."""
    model, paper = margin_model_of(books), MODELS[PAPER]
    band = books.control.parameter("margin_band_ppm", books.product.code)
    day = command.business_date
    histories = _histories(books, contracts, business_date=day, expired_by=day)
    for contract, history in zip(contracts, histories, strict=True):
        measure = _measured(books, model, history=history)
        paper_measure = measure if model is paper else _measured(books, paper, history=history)
        paper_ppm = paper_measure.long_ppm
        stated = {
            "at": command.at,
            "contract": contract.symbol,
            "business_date": command.business_date,
        }
        emit(_measure_set(stated, measure, model=model.name, paper=paper_measure))
        _state_add_on(books, contract, stated=stated, rank=history.rank, emit=emit)
        rate_ppm = measure.long_ppm if measure.axis == RATE else paper_ppm
        if rate_ppm > band:
            emit(MarginRateAboveBand.model_validate(stated | {"rate_ppm": rate_ppm}))


def _histories(
    books: MarketBooks,
    contracts: Sequence[ContractBooks],
    *,
    business_date: date,
    expired_by: date = date.min,
) -> list[ContractHistory]:
    """What is known of each contract; what they share is read once.

    expired_by: what expires by then has no rank, 0 being the front month of the others.
    """
    ranks = ranks_after(books, expired_by)
    fixings = [fixing.value_micros for fixing in books.index.fixings]
    expiries = [books.contracts[symbol].last_trading_day for symbol in ranks]
    ladder_days = [(expiry - business_date).days for expiry in expiries]
    holidays = sorted(books.control.holidays)
    return [
        ContractHistory(
            settlements=contract.settlements,
            fixings=fixings,
            product=books.product.code,
            business_date=business_date,
            rank=ranks[contract.symbol],
            days_left=ladder_days[ranks[contract.symbol]],
            sessions_left=_sessions_between(
                business_date, contract.last_trading_day, holidays=holidays
            ),
            ladder_days=ladder_days,
        )
        for contract in contracts
    ]


def _sessions_between(day: date, last: date, *, holidays: list[date]) -> int:
    """The business days after a date, the last one included."""
    return int(np.busday_count(day + _DAY, last + _DAY, holidays=holidays))


def _measured(books: MarketBooks, model: MarginModel, *, history: ContractHistory) -> Measure:
    parameter = books.control.parameters_of(books.product.code)
    return model.measure(history, {name: parameter(name) for name in model.parameters})


def _measure_set(
    stated: Mapping[str, Any], measure: Measure, *, model: str, paper: Measure
) -> MarginRateSet | MarginScenariosSet:
    common = {**stated, "model": model, "fallback": measure.fallback}
    common["paper_rate_ppm"] = paper.long_ppm
    if measure.axis != RATE:
        scenarios = {"axis": measure.axis, "shocks_ppm": measure.shocks_ppm}
        return MarginScenariosSet.model_validate(
            {**common, **scenarios, "evidence": dict(measure.evidence)}
        )
    evidence = {name: text for name, text in measure.evidence.items() if name not in _SIGMA}
    sigma = {name: measure.evidence[name] for name in _SIGMA}
    rated = {"rate_ppm": measure.long_ppm, "evidence": evidence}
    return MarginRateSet.model_validate({**common, **rated, **sigma})


def _state_add_on(
    books: MarketBooks,
    contract: ContractBooks,
    *,
    stated: Mapping[str, Any],
    rank: int,
    emit: MarketEmission,
) -> None:
    """State the inputs of the add-ons, where some are chosen or were until now."""
    add_on = _add_on(books, contract, rank=rank)
    if add_on is not None or contract.add_on is not None:
        inputs = NO_ADD_ON if add_on is None else add_on
        emit(MarginAddOnSet.model_validate({**stated, **inputs._asdict()}))


def _add_on(books: MarketBooks, contract: ContractBooks, *, rank: int) -> AddOn | None:
    code = books.product.code
    chosen = books.control.parameter_text("margin_add_ons", code).split(",")
    add_on = NO_ADD_ON
    if _CONCENTRATION in chosen:
        traded = [*contract.traded_lots, contract.trades.standing_lots()]
        spread = "maker_front_spread_ppm" if rank == 0 else "maker_back_spread_ppm"
        half_spread_ppm = books.control.parameter(spread, code) // 2
        add_on = add_on._replace(traded_lots=median_low(traded), half_spread_ppm=half_spread_ppm)
    if _JUMP in chosen:
        add_on = add_on._replace(jump_ppm=books.control.parameter("second_limit_ppm", code))
    return None if add_on == NO_ADD_ON else add_on
