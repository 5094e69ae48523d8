"""What a tenth more of each parameter does to price, deviation and efficiency (paper §8.3).

In: nothing but the parameters. Out: rows in closed form, of tokens that are bought after a year.
The paper's own figures are not known here. The hedge is one contract that settles when the tokens
are bought, held from the start: at the index it takes all, and of a price of one's own
E = Var(S) / Var(S B), where the factor B knows nothing of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import log
from typing import Final, NamedTuple

from risk.monte_carlo import Estimate
from risk.price_curve import futures_prices, price_deviation, price_variance
from risk.price_model import PriceModel
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS, START_PRICE
from services.paper.figure_row import NOT_KNOWN, PaperRow
from services.paper.hedge_paths import BASIS_SD

_MODEL: Final = PRICE_SCENARIOS[BASELINE].model
_X: Final = log(START_PRICE)
_YEARS: Final = 1.0
_MORE: Final = 1.1
_SYMBOLS: Final = {
    "kappa": "κ", "beta": "β", "gamma": "γ", "sigma": "σ", "jump_rate": "λ", "jump_mean": "μ_J",
    "jump_sd": "σ_J",
}  # fmt: skip


class _Case(NamedTuple):
    model: PriceModel
    basis_sd: float


_BASE: Final = _Case(_MODEL, BASIS_SD)


def sensitivity_rows() -> Iterator[PaperRow]:
    """Each parameter alone, the others as in table 3."""
    cases = {
        f"{symbol} up by a tenth": _BASE._replace(
            model=replace(_MODEL, **{name: _MORE * getattr(_MODEL, name)})
        )
        for name, symbol in _SYMBOLS.items()
    }
    yield from _relative("price after 12 months", _mean, cases=cases)
    yield from _relative("deviation of the price after 12 months", _deviation, cases=cases)
    efficiency = single_efficiency(*_BASE)
    yield PaperRow(
        "efficiency of one contract", "own price, table 3", NOT_KNOWN, Estimate(efficiency), "%",
        "open", "of tokens bought after 12 months, when the contract settles",
    )  # fmt: skip
    cases["own price's deviation up by a tenth"] = _BASE._replace(basis_sd=_MORE * BASIS_SD)
    for reading, case in cases.items():
        yield PaperRow(
            "sensitivity of that efficiency", reading, NOT_KNOWN,
            Estimate(single_efficiency(*case) - efficiency), "%", "open",
            "in points: what moves the index more, a future of the index hedges more of",
        )  # fmt: skip


def single_efficiency(model: PriceModel, basis_sd: float) -> float:
    """E of one contract for tokens bought after a year at a firm's own price: ρ² (eq. 10)."""
    of_index, of_own = (
        float(price_variance(model, _X, now=0.0, later=_YEARS, basis_sd=deviation))
        for deviation in (0.0, basis_sd)
    )
    return of_index / of_own


def _relative(
    of_what: str, figure: Callable[[PriceModel], float], *, cases: dict[str, _Case]
) -> Iterator[PaperRow]:
    base = figure(_MODEL)
    for reading, case in cases.items():
        yield PaperRow(
            f"sensitivity of the {of_what}", reading, NOT_KNOWN,
            Estimate(figure(case.model) / base - 1), "%", "open", "closed form",
        )  # fmt: skip


def _mean(model: PriceModel) -> float:
    return float(futures_prices(model, _X, now=0.0, expiry=_YEARS))


def _deviation(model: PriceModel) -> float:
    return float(price_deviation(model, _X, now=0.0, later=_YEARS))
