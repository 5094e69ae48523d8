"""Supply of tokens by its factors, its marginal cost, and demand by tier (RULEBOOK §8, eq. 1–3).

In: hardware efficiency η_H, algorithm efficiency η_A, capital K and the cost of energy C_E, in
units of the caller's; changes as fractions. Out: supply Q = η_H η_A K / C_E, marginal cost
C_E / (η_H η_A), their elasticities and growth, exactly; and the price model that follows:
in the long run the price moves with cost, today's does not. Errors: OutOfDomain, by factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import expm1, log1p
from typing import Final, NamedTuple

from risk.price_model import OutOfDomain, PriceModel

# Wide enough for any unit and any forecast; within them nothing is beyond a float.
VALUE_MIN: Final = 1e-12
VALUE_MAX: Final = 1e12
CHANGE_MAX: Final = 1e4

# So many percent a percent more of the factor gives: the powers of eq. 1 and eq. 3.
SUPPLY_ELASTICITIES: Final = {"hardware": 1, "algorithm": 1, "capital": 1, "energy": -1}
COST_ELASTICITIES: Final = {"hardware": -1, "algorithm": -1, "capital": 0, "energy": 1}


@dataclass(frozen=True, slots=True)
class SupplyFactors:
    """The factors; 100, an index of today, where no value is known. Errors: OutOfDomain."""

    hardware: float = 100.0
    algorithm: float = 100.0
    capital: float = 100.0
    energy: float = 100.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not VALUE_MIN <= value <= VALUE_MAX:
                msg = f"{name}: expected from {VALUE_MIN:g} to {VALUE_MAX:g}, found {value:g}"
                raise OutOfDomain(msg)

    @property
    def supply(self) -> float:
        """Q of eq. 1."""
        return self.hardware * self.algorithm * self.capital / self.energy

    @property
    def marginal_cost(self) -> float:
        """Of a token, eq. 3: supply is capital over it."""
        return self.energy / (self.hardware * self.algorithm)

    def changed(self, changes: Mapping[str, float]) -> SupplyFactors:
        """The factors after changes by fractions. Errors: OutOfDomain."""
        values = {name: getattr(self, name) * (1 + change) for name, change in changes.items()}
        return replace(self, **values)


class DemandTier(NamedTuple):
    """Demand of one elasticity, the same at every price. reason: why it is this one."""

    name: str
    elasticity: int
    reason: str

    def demand(self, price_ratio: float) -> float:
        """Demand over demand before, when the price is so many times that before."""
        return price_ratio**self.elasticity


# Ours. The first two follow from what the buyer has fixed; the third is their mirror.
DEMAND_TIERS: Final = (
    DemandTier("committed", 0, "ours: the volume is fixed, work that must run at any price"),
    DemandTier("budgeted", -1, "ours: the sum is fixed, half the price buys twice the tokens"),
    DemandTier("latent", -2, "ours: uses that begin once they pay, the first tier's mirror at -1"),
)


def check_change(name: str, change: float) -> float:
    """A change of a factor, or its growth by the year, as a fraction. Errors: OutOfDomain."""
    if name not in SUPPLY_ELASTICITIES:
        msg = f"factor: expected one of {', '.join(SUPPLY_ELASTICITIES)}, found {name}"
        raise OutOfDomain(msg)
    if not -1 < change <= CHANGE_MAX:
        domain = f"above -100 % and at most {100 * CHANGE_MAX:,.0f} %"
        msg = f"{name}: expected {domain}, found {100 * change:.10g} %"
        raise OutOfDomain(msg)
    return change


def log_change(elasticities: Mapping[str, int], changes: Mapping[str, float]) -> float:
    """The change of the log of supply or cost by those of its factors: eq. 2, of any size."""
    return sum(elasticities[name] * log1p(change) for name, change in changes.items())


def model_after(
    model: PriceModel, *, changes: Mapping[str, float], growth: Mapping[str, float]
) -> PriceModel:
    """The price model whose level has moved with cost; its trend is that of cost, if any grows.

    growth: by the year; empty: the trend stays as it is.
    """
    theta = model.theta + log_change(COST_ELASTICITIES, changes)
    beta = log_change(COST_ELASTICITIES, growth) if growth else model.beta
    return replace(model, theta=theta, beta=beta)


def cost_response(model: PriceModel, years: float) -> float:
    """The elasticity of a future so many years from its end to marginal cost: 1 − e^(−κτ)."""
    return -expm1(-model.kappa * years)
