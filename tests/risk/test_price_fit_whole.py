"""The whole model fitted: what was put in is found again, a step function has no return."""

from __future__ import annotations

from dataclasses import asdict, replace
from math import exp, isnan, log

import numpy as np
import pytest

from risk.price_fit import fit_diffusion, fit_jumps
from risk.price_fit_whole import WholeFit, fit_whole
from risk.price_model import FloatArray, OutOfDomain, PriceModel
from risk.price_paths import Draws, Jumps, price_paths
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS

MODEL = PRICE_SCENARIOS[BASELINE].model


def simulated(model: PriceModel, seed: int, *, years: int) -> FloatArray:
    """Daily prices from two dollars."""
    rng = np.random.default_rng(seed)
    count = int(rng.poisson(model.jump_rate * years))
    jumps = Jumps(
        np.zeros(count, np.int64),
        rng.random(count) * years,
        rng.normal(model.jump_mean, model.jump_sd, count),
    )
    draws = Draws(rng.standard_normal((252 * years, 1)), jumps)
    return np.append(2.0, price_paths(model, draws, price=2.0, step_years=1 / 252)[:, 0])


def test_every_parameter_is_found_again() -> None:
    fit = fit_whole(simulated(MODEL, 2, years=6))
    for name, true in asdict(MODEL).items():
        if name != "season_years":
            value, error = fit.estimates[name]
            assert error is not None
            assert abs(value - true) < 3 * error, (name, value, error)
    assert fit.gain > 100


def test_a_diffusion_with_a_season_is_found_again_without_jumps() -> None:
    prices = simulated(replace(MODEL, gamma=0.3, jump_rate=0.0), 3, years=5)
    closed, seasonal = fit_diffusion(prices), fit_whole(prices).seasonal
    for name, true in (("kappa", 2.5), ("theta", log(2)), ("beta", -0.35), ("gamma", 0.3)):
        value, error = seasonal[name]
        assert error is not None
        assert abs(value - true) < 3 * error, (name, value, error)
    # A day's moves hardly know of the season: the regression without one has the same σ.
    assert seasonal["sigma"] == pytest.approx(closed.sigma, rel=0.02)


@pytest.fixture(scope="module")
def steps() -> WholeFit:
    """40 days, of which 4 move, by log 2 and log ½ in turns."""
    return fit_whole(np.repeat([1.0, 2, 1, 2, 1], [5, 10, 10, 10, 6]))


def test_a_step_function_has_neither_return_nor_diffusion(steps: WholeFit) -> None:
    for name in ("kappa", "theta", "beta", "gamma", "sigma"):
        value, error = steps.estimates[name]
        assert value == 0
        assert error is not None
        assert isnan(error)
    assert 0 <= steps.gain < 0.05


def test_jumps_of_a_step_function_are_those_that_a_hand_reckons(steps: WholeFit) -> None:
    """But for days of several jumps: at 0.1 a day they are a twentieth of those that move."""
    by_hand = fit_jumps(np.repeat([1.0, 2, 1, 2, 1], [5, 10, 10, 10, 6]))
    assert steps.estimates["jump_rate"].value == pytest.approx(-252 * log(0.9), rel=0.01)
    assert steps.estimates["jump_mean"].value == pytest.approx(0, abs=1e-3)
    for name, estimate in zip(("jump_rate", "jump_mean", "jump_sd"), by_hand[:3], strict=True):
        value, error = steps.estimates[name]
        assert value == pytest.approx(estimate.value, rel=0.05, abs=1e-3)
        assert error == pytest.approx(estimate.error, rel=0.05)


def test_one_jump_far_away_is_no_law_of_jumps_to_begin_with() -> None:
    prices = simulated(replace(MODEL, jump_rate=0.0), 5, years=1)
    prices[120:] *= exp(1.0)
    value, error = fit_whole(prices).estimates["sigma"]
    assert error is not None
    assert abs(value - MODEL.sigma) < 3 * error


def test_a_history_that_says_nothing_is_refused() -> None:
    with pytest.raises(OutOfDomain, match="history: expected at least 30 prices, found 1"):
        fit_whole(np.array([2.0]))
