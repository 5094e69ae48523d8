"""Supply by its factors: by hand, by finite differences, and what holds for any factors."""

from __future__ import annotations

from dataclasses import asdict, replace
from math import exp, expm1, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.price_curve import futures_prices
from risk.price_model import OutOfDomain
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from risk.supply import (
    CHANGE_MAX,
    COST_ELASTICITIES,
    DEMAND_TIERS,
    SUPPLY_ELASTICITIES,
    VALUE_MAX,
    VALUE_MIN,
    SupplyFactors,
    check_change,
    cost_response,
    log_change,
    model_after,
)

MODEL = PRICE_SCENARIOS[BASELINE].model
AMOUNTS = st.floats(0.01, 1000)
FACTORS = st.builds(SupplyFactors, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
CHANGES = st.dictionaries(st.sampled_from([*SUPPLY_ELASTICITIES]), st.floats(-0.9, 9))


def test_supply_and_marginal_cost_by_hand() -> None:
    """20 tokens a unit of work × 3 units a kWh × $600 / $0.12 a kWh; $0.12 / 60 a token."""
    factors = SupplyFactors(hardware=3, algorithm=20, capital=600, energy=0.12)
    assert factors.supply == pytest.approx(300_000, rel=1e-12)
    assert factors.marginal_cost == pytest.approx(0.002, rel=1e-12)
    assert factors.capital / factors.marginal_cost == pytest.approx(factors.supply, rel=1e-12)


def test_growth_of_supply_is_that_of_its_factors_by_hand() -> None:
    """Logs add: 1.5 · 1.2 · 1.1 / 1.32 = 1.5 of supply, 1.32 / (1.5 · 1.2) of cost."""
    growth = {"hardware": 0.5, "algorithm": 0.2, "capital": 0.1, "energy": 0.32}
    assert exp(log_change(SUPPLY_ELASTICITIES, growth)) == pytest.approx(1.5, rel=1e-12)
    assert exp(log_change(COST_ELASTICITIES, growth)) == pytest.approx(1.32 / 1.8, rel=1e-12)


@given(FACTORS, st.sampled_from([*SUPPLY_ELASTICITIES]))
def test_elasticities_are_the_finite_differences_of_the_logs(
    factors: SupplyFactors, name: str
) -> None:
    step = 1e-4
    up, down = (factors.changed({name: expm1(sign * step)}) for sign in (1, -1))
    supply = log(up.supply / down.supply) / (2 * step)
    cost = log(up.marginal_cost / down.marginal_cost) / (2 * step)
    assert supply == pytest.approx(SUPPLY_ELASTICITIES[name], abs=1e-9)
    assert cost == pytest.approx(COST_ELASTICITIES[name], abs=1e-9)


@given(FACTORS, AMOUNTS)
def test_capital_scales_supply_and_leaves_cost_alone(factors: SupplyFactors, times: float) -> None:
    scaled = replace(factors, capital=factors.capital * times)
    assert scaled.supply == pytest.approx(times * factors.supply, rel=1e-12)
    assert scaled.marginal_cost == factors.marginal_cost


@given(FACTORS, CHANGES)
def test_log_changes_are_those_of_the_levels(
    factors: SupplyFactors, changes: dict[str, float]
) -> None:
    after = factors.changed(changes)
    supply = exp(log_change(SUPPLY_ELASTICITIES, changes))
    cost = exp(log_change(COST_ELASTICITIES, changes))
    assert after.supply == pytest.approx(supply * factors.supply, rel=1e-9)
    assert after.marginal_cost == pytest.approx(cost * factors.marginal_cost, rel=1e-9)


def test_demand_at_half_the_price_by_hand() -> None:
    """0.5^0, 0.5^−1, 0.5^−2: the same volume, the same sum for twice as much, four times."""
    assert [tier.demand(0.5) for tier in DEMAND_TIERS] == [1, 2, 4]
    assert all(tier.reason.startswith("ours") for tier in DEMAND_TIERS)


def test_cost_moves_the_level_and_growth_is_the_trend_by_hand() -> None:
    """A quarter more energy cost at 25 % more efficiency is no change; cost a fifth less a year."""
    model = model_after(
        MODEL, changes={"energy": 0.25, "hardware": 0.25}, growth={"algorithm": 0.25}
    )
    assert model.theta == pytest.approx(log(2), abs=1e-12)
    assert model.beta == pytest.approx(log(0.8), rel=1e-12)
    assert model_after(MODEL, changes={"capital": 3}, growth={}) == MODEL


@pytest.mark.parametrize("months", [1, 3, 6, 12])
def test_the_response_of_futures_to_cost_is_that_of_the_curve(months: int) -> None:
    years = months / 12
    prices = [
        float(futures_prices(
            model_after(MODEL, changes={"energy": change}, growth={}),
            log(2), now=0.0, expiry=years,
        ))
        for change in (expm1(-0.01), expm1(0.01))
    ]  # fmt: skip
    difference = log(prices[1] / prices[0]) / 0.02
    assert cost_response(MODEL, years) == pytest.approx(difference, rel=1e-9)


def test_the_response_after_a_half_life_is_a_half() -> None:
    assert cost_response(MODEL, MODEL.half_life_years) == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("name", asdict(SupplyFactors()))
@pytest.mark.parametrize("value", [0.0, -1.0, VALUE_MIN / 2, VALUE_MAX * 2, float("nan")])
def test_a_factor_outside_its_domain_is_named(name: str, value: float) -> None:
    with pytest.raises(OutOfDomain, match=f"{name}: expected from 1e-12 to 1e[+]12"):
        replace(SupplyFactors(), **{name: value})


@pytest.mark.parametrize("change", [-1.0, -1.5, CHANGE_MAX * 1.01, float("nan"), float("inf")])
def test_a_change_outside_its_domain_is_named(change: float) -> None:
    with pytest.raises(OutOfDomain, match=r"energy: expected above -100 % and at most 1,000,000 %"):
        check_change("energy", change)


def test_a_factor_that_is_none_is_named() -> None:
    with pytest.raises(OutOfDomain, match="hardware, algorithm, capital, energy, found chips"):
        check_change("chips", 0.1)
    assert check_change("energy", -0.5) == -0.5
