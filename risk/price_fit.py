"""The price model fitted to a history of prices, and how badly a diffusion fits steps.

In: daily prices, oldest first. Out: maximum-likelihood estimates with standard errors, and the log
likelihood per day of two models on the same days: the diffusion drawn back to a trend (κ, β, σ;
neither season nor jumps), and a pure jump process, which stands still between jumps for ever.

A day is 1/252 year. Normal transitions of equal steps make the likelihood that of a regression of
each log price on the one before and on time; its optimum is in closed form. Errors are asymptotic:
near a unit root κ is biased upwards and its error too small.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p, pi, sqrt
from typing import Final, NamedTuple

import numpy as np

from risk.monte_carlo import Estimate
from risk.price_model import FloatArray, OutOfDomain
from risk.price_scenarios import STEPS_A_YEAR

# Fewer say nothing about a return.
PRICES_MIN: Final = 30
# A density becomes the probability of a day's move to a basis point.
MOVE_WIDTH: Final = 1e-4
DAY_YEARS: Final = 1 / STEPS_A_YEAR


class DiffusionFit(NamedTuple):
    """κ, β, σ by the year; log_likelihood: per day; still: share of days it lets stand still."""

    kappa: Estimate
    beta: Estimate
    sigma: Estimate
    log_likelihood: float
    still: float


class JumpFit(NamedTuple):
    """λ by the year, mean and deviation of a jump; log_likelihood: per day; still: as seen."""

    jump_rate: Estimate
    jump_mean: Estimate
    jump_sd: Estimate
    log_likelihood: float
    still: float


def fit_diffusion(prices: FloatArray) -> DiffusionFit:
    """The diffusion drawn back to a trend. Errors: OutOfDomain, for a history it cannot be."""
    logs = history_logs(prices)
    count = logs.size - 1
    times = DAY_YEARS * np.arange(count)
    design = np.column_stack([np.ones(count), times, logs[:-1]])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        msg = "history: expected prices that leave their trend, found all of them on it"
        raise OutOfDomain(msg)
    fit, *_ = np.linalg.lstsq(design, logs[1:], rcond=None)
    unexplained = logs[1:] - design @ fit
    variance = float(unexplained @ unexplained) / count
    covariance = variance * np.linalg.inv(design.T @ design)
    slope, decay = float(fit[1]), float(fit[2])
    if not 0 < decay < 1:
        msg = f"kappa: expected a history that returns to its trend, found {decay:g} left a day"
        raise OutOfDomain(msg)
    gone = 1 - decay
    kappa = -log(decay) / DAY_YEARS
    gradient = np.array([0, 1 / gone, slope / gone**2])
    sigma = sqrt(variance * 2 * kappa / -expm1(-2 * kappa * DAY_YEARS))
    return DiffusionFit(
        Estimate(kappa, sqrt(covariance[2, 2]) / decay / DAY_YEARS),
        Estimate(slope / gone, sqrt(gradient @ covariance @ gradient)),
        Estimate(sigma, sigma / sqrt(2 * count)),
        -0.5 * (log(2 * pi * variance) + 1) + log(MOVE_WIDTH),
        MOVE_WIDTH / sqrt(2 * pi * variance),
    )


def fit_jumps(prices: FloatArray) -> JumpFit:
    """The pure jump process: a day without a move had no jump. Errors: OutOfDomain."""
    moves = np.diff(history_logs(prices))
    jumps = moves[moves != 0]
    if jumps.size in {1, moves.size} or not jumps.std():
        msg = f"history: expected days that move and days that do not, found {jumps.size} moves"
        raise OutOfDomain(msg)
    share = jumps.size / moves.size
    mean, deviation = float(jumps.mean()), float(jumps.std())
    of_jump = -0.5 * (log(2 * pi * deviation**2) + 1) + log(MOVE_WIDTH)
    return JumpFit(
        Estimate(-log1p(-share) / DAY_YEARS, sqrt(share / (1 - share) / moves.size) / DAY_YEARS),
        Estimate(mean, deviation / sqrt(jumps.size)),
        Estimate(deviation, deviation / sqrt(2 * jumps.size)),
        (1 - share) * log1p(-share) + share * (log(share) + of_jump),
        1 - share,
    )


def likelihood_ratio_per_day(diffusion: DiffusionFit, jumps: JumpFit) -> float:
    """How many times likelier a day is under the jumps than under the diffusion, on average."""
    return exp(jumps.log_likelihood - diffusion.log_likelihood)


def history_logs(prices: FloatArray) -> FloatArray:
    """The logs. Errors: OutOfDomain, where prices are too few, not above 0, or do not move."""
    if prices.size < PRICES_MIN:
        msg = f"history: expected at least {PRICES_MIN} prices, found {prices.size}"
        raise OutOfDomain(msg)
    if not np.all((prices > 0) & np.isfinite(prices)):
        msg = f"history: expected finite prices above 0, found {prices.min():g}"
        raise OutOfDomain(msg)
    if np.ptp(prices) == 0:
        msg = f"history: expected prices that move, found {prices.size} times {prices[0]:g}"
        raise OutOfDomain(msg)
    return np.asarray(np.log(prices))
