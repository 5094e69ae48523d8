"""Fits: what was put in is found again within its errors, and what cannot be fitted says why."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, pi, sqrt

import numpy as np
import pytest

from risk.monte_carlo import Estimate
from risk.price_fit import MOVE_WIDTH, fit_diffusion, fit_jumps, likelihood_ratio_per_day
from risk.price_model import FloatArray, OutOfDomain
from risk.price_paths import Draws, Jumps, price_paths
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS

DIFFUSION = replace(PRICE_SCENARIOS[BASELINE].model, gamma=0.0, jump_rate=0.0)


def is_within(estimate: Estimate, true: float, *, errors: float = 3) -> bool:
    """Whether a true value lies within some errors of its estimate."""
    return estimate.error is not None and abs(estimate.value - true) < errors * estimate.error


def simulated(seed: int, *, years: int) -> FloatArray:
    """Daily prices of the baseline without season and jumps, two dollars at the start."""
    steps = 252 * years
    nothing = Jumps(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    draws = Draws(np.random.default_rng(seed).standard_normal((steps, 1)), nothing)
    prices = price_paths(DIFFUSION, draws, price=2.0, step_years=1 / 252)
    return np.concatenate([[2.0], prices[:, 0]])


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_kappa_beta_and_sigma_are_found_again(seed: int) -> None:
    fit = fit_diffusion(simulated(seed, years=60))
    assert is_within(fit.kappa, 2.5), fit
    assert is_within(fit.beta, -0.35), fit
    assert is_within(fit.sigma, 0.40), fit


def test_errors_are_as_large_as_estimates_scatter() -> None:
    fits = [fit_diffusion(simulated(seed, years=30)) for seed in range(10, 50)]
    for estimates in zip(*((fit.kappa, fit.beta, fit.sigma) for fit in fits), strict=True):
        values, errors = zip(*estimates, strict=True)
        assert np.std(values) == pytest.approx(np.mean(errors), rel=0.4)


def test_steps_are_fitted_by_hand() -> None:
    """40 days, of which 4 move, by log 2 and log ½ in turns: mean 0, deviation log 2.

    λ = −252 ln 0.9; of a day: 0.9 ln 0.9 + 0.1 (ln 0.1 + ln of the density at one deviation).
    """
    prices = np.repeat([1.0, 2, 1, 2, 1], [5, 10, 10, 10, 6])
    fit = fit_jumps(prices)
    assert fit.jump_rate == pytest.approx((-252 * log(0.9), 252 * sqrt(0.1 / 0.9 / 40)))
    assert fit.jump_mean == pytest.approx((0, log(2) / 2))
    assert fit.jump_sd == pytest.approx((log(2), log(2) / sqrt(8)))
    density = exp(-0.5) / (sqrt(2 * pi) * log(2)) * MOVE_WIDTH
    assert fit.log_likelihood == pytest.approx(0.9 * log(0.9) + 0.1 * log(0.1 * density))
    assert fit.still == pytest.approx(0.9)


def test_the_likelihood_of_the_diffusion_is_that_of_its_moves() -> None:
    """Day by day, the normal density of what came, times the width of a move."""
    prices = simulated(6, years=2)
    fit = fit_diffusion(prices)
    logs = np.log(prices)
    design = np.column_stack([np.ones(504), np.arange(504), logs[:-1]])
    apart = logs[1:] - design @ np.linalg.solve(design.T @ design, design.T @ logs[1:])
    deviation = float(apart.std())
    densities = np.exp(-((apart / deviation) ** 2) / 2) / (deviation * sqrt(2 * pi))
    expected = float(np.mean(np.log(densities * MOVE_WIDTH)))
    assert fit.log_likelihood == pytest.approx(expected)
    assert fit.still == pytest.approx(MOVE_WIDTH / (deviation * sqrt(2 * pi)))


def test_steps_are_likelier_as_jumps() -> None:
    prices = np.repeat([2.0, 2.2, 1.9, 2.1, 2.0, 1.8], 20)
    diffusion, jumps = fit_diffusion(prices), fit_jumps(prices)
    ratio = likelihood_ratio_per_day(diffusion, jumps)
    assert log(ratio) == pytest.approx(jumps.log_likelihood - diffusion.log_likelihood)
    assert ratio > 10


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([], "history: expected at least 30 prices, found 0"),
        ([2.0], "history: expected at least 30 prices, found 1"),
        ([2.0] * 40, "history: expected prices that move, found 40 times 2"),
        ([2.0] * 40 + [0.0], "history: expected finite prices above 0, found 0"),
    ],
)
def test_a_history_that_says_nothing_is_refused(prices: list[float], message: str) -> None:
    for fit in (fit_diffusion, fit_jumps):
        with pytest.raises(OutOfDomain) as trouble:
            fit(np.array(prices))
        assert str(trouble.value) == message


def test_a_history_that_runs_away_has_no_kappa() -> None:
    with pytest.raises(OutOfDomain, match="kappa: expected a history that returns to its trend"):
        fit_diffusion(np.exp(1.1 ** np.arange(40)))


def test_a_history_on_a_straight_line_has_no_kappa() -> None:
    with pytest.raises(OutOfDomain, match="expected prices that leave their trend"):
        fit_diffusion(np.geomspace(1, 1e9, 40))


@pytest.mark.parametrize(
    "prices", [[2.0] * 20 + [3.0] * 20, [2.0, 3.0] * 20, list(np.geomspace(1, 1e9, 31))]
)
def test_steps_want_days_with_and_without_moves(prices: list[float]) -> None:
    with pytest.raises(OutOfDomain, match="expected days that move and days that do not"):
        fit_jumps(np.array(prices))
