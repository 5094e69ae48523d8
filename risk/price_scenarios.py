"""The three scenarios of the price model: the paper's baseline and two of ours (RULEBOOK §8).

The paper gives parameters for the baseline only (table 3). It names an explosion of demand; the
other is what the real index has done. None is fitted to a figure that the paper prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from math import log
from typing import Final, NamedTuple

from risk.price_model import OutOfDomain, PriceModel

START_PRICE: Final = 2.0
# Trading days of a year, as in eq. 7.
STEPS_A_YEAR: Final = 252

BASELINE: Final = "baseline"
DEMAND: Final = "demand_explosion"
PRICE_WAR: Final = "price_war"

_TABLE_3: Final = PriceModel(
    kappa=2.5, theta=log(START_PRICE), beta=-0.35, gamma=0.08, season_years=1.0, sigma=0.40,
    jump_rate=3.0, jump_mean=0.10, jump_sd=0.25,
)  # fmt: skip


class PriceScenario(NamedTuple):
    """A scenario. reason: where its parameters are from."""

    name: str
    model: PriceModel
    reason: str


PRICE_SCENARIOS: Final[dict[str, PriceScenario]] = {
    scenario.name: scenario
    for scenario in (
        PriceScenario(BASELINE, _TABLE_3, "the paper's, table 3"),
        PriceScenario(
            DEMAND,
            replace(_TABLE_3, beta=0.0, jump_rate=6.0, jump_mean=0.20),
            "ours: demand eats up what supply gains (β 0), and its jumps come twice as often "
            "(λ 6) and go up twice as far (μ_J 0.20); the rest is the baseline's",
        ),
        PriceScenario(
            PRICE_WAR,
            replace(_TABLE_3, beta=-1.1, jump_mean=-0.10),
            "ours: the trend of the real index, 37.44 to 1.75 in 2.8 years (β −1.1), with jumps "
            "that go down as far as the baseline's go up (μ_J −0.10); the rest is the baseline's",
        ),
    )
}


def with_parameters(scenario: PriceScenario, parameters: Mapping[str, float]) -> PriceScenario:
    """The scenario with some parameters of its model set, and its reason says so.

    Errors: OutOfDomain, also for a name that is no parameter's.
    """
    names = [parameter.name for parameter in fields(PriceModel)]
    for name in parameters:
        if name not in names:
            msg = f"parameter: expected one of {', '.join(names)}, found {name}"
            raise OutOfDomain(msg)
    if not parameters:
        return scenario
    stated = ", ".join(f"{name} {value:g}" for name, value in parameters.items())
    model = replace(scenario.model, **parameters)
    return scenario._replace(model=model, reason=f"{scenario.reason}; set: {stated}")
