"""Futures prices: by numerical integration, by simulation, by published limits, by their laws."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from risk.price_curve import (
    futures_prices,
    futures_volatility,
    price_deviation,
    quadrature_points,
)
from risk.price_model import OutOfDomain, PriceModel, log_law
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS

MODEL = PRICE_SCENARIOS[BASELINE].model
X = log(2)
TIMES = st.floats(0, 3)
MODELS = st.builds(
    PriceModel,
    kappa=st.floats(0.05, 20), theta=st.floats(-3, 4), beta=st.floats(-2, 2),
    gamma=st.floats(-0.5, 0.5), season_years=st.floats(0.1, 4), sigma=st.floats(0, 1.5),
    jump_rate=st.floats(0, 20), jump_mean=st.floats(-0.5, 0.5), jump_sd=st.floats(0, 0.6),
)  # fmt: skip


def integrated(model: PriceModel, x: float, *, now: float, expiry: float) -> float:
    """The log of F as RULEBOOK §8 writes A(t,T), by SciPy's adaptive quadrature."""

    def rate(when: float) -> float:
        decay = exp(-model.kappa * (expiry - when))
        level = model.theta + model.beta * when
        level += model.gamma * sin(2 * pi * when / model.season_years)
        mean_jump = exp(model.jump_mean * decay + model.jump_sd**2 * decay**2 / 2)
        diffusion = model.sigma**2 * decay**2 / 2
        return model.kappa * decay * level + diffusion + model.jump_rate * (mean_jump - 1)

    whole, _ = quad(rate, now, expiry, epsabs=1e-12, epsrel=1e-12, limit=500)
    return exp(-model.kappa * (expiry - now)) * x + float(whole)


@given(model=MODELS, x=st.floats(-3, 4), now=TIMES, years=TIMES)
def test_the_closed_form_is_the_integral(
    model: PriceModel, x: float, now: float, years: float
) -> None:
    price = futures_prices(model, x, now=now, expiry=now + years)
    expected = integrated(model, x, now=now, expiry=now + years)
    assert log(float(price)) == pytest.approx(expected, abs=1e-9, rel=1e-9)


def test_without_jumps_it_is_the_formula_of_schwartz() -> None:
    """Schwartz 1997, The Stochastic Behavior of Commodity Prices, eq. 7.

    F = exp(e^(−κτ) ln S + (1 − e^(−κτ)) α* + σ²/4κ (1 − e^(−2κτ))): κ 0.301, σ 0.334, α* 3, S 20,
    τ 1. By hand: e^(−κ) 0.7400778; 2.217075 + 0.779767 + 0.041906 = 3.038748, to its digits.
    """
    model = PriceModel(0.301, 3.0, 0.0, 0.0, 1.0, 0.334, 0.0, 0.1, 0.25)
    price = futures_prices(model, log(20), now=0.0, expiry=1.0)
    assert log(float(price)) == pytest.approx(3.038748, abs=1e-6)


def test_without_a_return_it_is_the_mean_of_merton() -> None:
    """Merton 1976: E[S] = S exp(½σ²t + λt(e^(μ + δ²/2) − 1)) of a log price without drift."""
    model = replace(MODEL, kappa=1e-8, beta=0.0)
    expected = 2 * exp((0.08 + 3 * (exp(0.13125) - 1)) * 2)
    assert futures_prices(model, X, now=0.0, expiry=2.0) == pytest.approx(expected, rel=1e-6)


def test_at_its_expiry_a_future_is_the_price() -> None:
    assert futures_prices(MODEL, X, now=1.7, expiry=1.7) == pytest.approx(2)


@given(now=TIMES, years=TIMES, share=st.floats(0, 1))
def test_the_price_expected_of_a_future_is_its_price_now(
    now: float, years: float, share: float
) -> None:
    """The martingale property, for a model without jumps, whose log price is normal."""
    model = replace(MODEL, jump_rate=0.0)
    later, expiry = now + share * years, now + years
    law = log_law(model, X, now=now, later=later)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    states = law.mean + np.sqrt(law.variance) * nodes
    prices = futures_prices(model, states, now=later, expiry=expiry)
    expected = float(weights @ prices) / sqrt(2 * pi)
    assert futures_prices(model, X, now=now, expiry=expiry) == pytest.approx(expected, rel=1e-9)


@given(model=MODELS, now=TIMES, years=TIMES, rise=st.floats(0.01, 1))
def test_a_dearer_price_makes_no_future_cheaper(
    model: PriceModel, now: float, years: float, rise: float
) -> None:
    low, high = futures_prices(model, np.array([X, X + rise]), now=now, expiry=now + years)
    assert low <= high * (1 + 1e-12)
    assert high / low <= exp(rise) * (1 + 1e-9)


@given(model=MODELS, years=st.floats(0.01, 3), more=st.floats(0.01, 1))
def test_more_volatility_a_higher_level_and_higher_jumps_make_it_dearer(
    model: PriceModel, years: float, more: float
) -> None:
    price = futures_prices(model, X, now=0.0, expiry=years)
    for dearer in (
        replace(model, sigma=model.sigma + more),
        replace(model, theta=model.theta + more),
        replace(model, jump_mean=model.jump_mean + more),
    ):
        assert futures_prices(dearer, X, now=0.0, expiry=years) >= price * (1 - 1e-12)


@given(years=st.lists(TIMES, min_size=2, max_size=5))
def test_the_volatility_of_a_future_falls_with_the_time_to_go(years: list[float]) -> None:
    volatility = futures_volatility(MODEL, np.array(sorted(years)))
    assert np.all(np.diff(volatility) <= 0)


def test_the_term_structure_of_volatility_is_that_of_table_3() -> None:
    """√(0.16 + 3 · 0.0725) = 0.614410; three months on e^(−0.625) = 0.535261 of it."""
    volatility = futures_volatility(MODEL, np.array([0.0, 0.25]))
    assert volatility == pytest.approx([0.614410, 0.328870], abs=2e-6)


def test_the_deviation_of_a_lognormal_price_is_the_known_one() -> None:
    model = replace(MODEL, jump_rate=0.0)
    law = log_law(model, X, now=0.0, later=1.0)
    mean = exp(law.mean + law.variance / 2)
    expected = mean * sqrt(exp(law.variance) - 1)
    assert price_deviation(model, X, now=0.0, later=1.0) == pytest.approx(expected)


def test_prices_keep_their_shape_and_blocks_change_nothing() -> None:
    expiries = np.linspace(0, 3, 20_000).reshape(2, 10_000)
    prices = futures_prices(MODEL, X, now=0.0, expiry=expiries)
    assert prices.shape == (2, 10_000)
    assert prices[1, 9_999] == futures_prices(MODEL, X, now=0.0, expiry=3.0)


def test_wider_jumps_take_more_points() -> None:
    assert quadrature_points(MODEL) == 8
    assert quadrature_points(replace(MODEL, jump_sd=3.0)) > 8


def test_what_explodes_says_so() -> None:
    with pytest.raises(OutOfDomain, match=r"F\(t,T\): expected finite numbers.* settings explode"):
        futures_prices(replace(MODEL, theta=900.0), X, now=0.0, expiry=3.0)
    with pytest.raises(OutOfDomain, match=r"jump_sd: expected jumps whose mean .* explode"):
        futures_prices(replace(MODEL, jump_sd=37.0), X, now=0.0, expiry=3.0)
    with pytest.raises(OutOfDomain, match="T − t: expected at least 0 years, found -1"):
        futures_prices(MODEL, X, now=1.0, expiry=0.0)
