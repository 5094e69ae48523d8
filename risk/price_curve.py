"""Futures prices of the price model: F(t,T) = exp(e^(−κ(T−t)) Xₜ + A(t,T)) (eq. 13; RULEBOOK §8).

In: a model, log prices and times in years. Out: prices, and how much they move. A(t,T) in closed
form but for the jumps, λ/κ ∫ (exp(μu + ½σ²u²) − 1)/u du over u from e^(−κ(T−t)) to 1, whose
integrand is smooth everywhere: Gauss and Legendre's points integrate it to the last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import exp
from typing import Final, NamedTuple

import numpy as np
from scipy.special import roots_legendre

from risk.price_model import (
    FloatArray,
    OutOfDomain,
    PriceModel,
    Years,
    check_finite,
    log_without_shocks,
    years_between,
)

# So many prices at once stay in a core's cache.
_BLOCK: Final = 8_192
_POINTS: Final = (4, 8, 16, 32, 64, 128)
_TOLERANCE: Final = 1e-13


class _Quadrature(NamedTuple):
    """Where to look, in [−1, 1], and with which weight."""

    nodes: FloatArray
    weights: FloatArray


def futures_prices(model: PriceModel, log_price: Years, *, now: Years, expiry: Years) -> FloatArray:
    """F(t,T), what X at t says of the price at T. The arguments are broadcast together.

    Errors: OutOfDomain, also when a price is beyond what a float holds.
    """
    columns = np.broadcast_arrays(
        *(np.asarray(column, np.float64) for column in (log_price, now, expiry))
    )
    flat = [np.ravel(column) for column in columns]
    prices = np.empty(flat[0].size)
    for first in range(0, prices.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        prices[block] = _log_price(model, [column[block] for column in flat])
    with np.errstate(over="ignore"):
        np.exp(prices, out=prices)
    return check_finite("F(t,T)", prices).reshape(columns[0].shape)


def futures_volatility(model: PriceModel, years: Years) -> FloatArray:
    """The volatility of a futures price so many years from its end, jumps included, by the year.

    Of dF/F: e^(−κτ) √(σ² + λE[J²]); it falls with the time to go (Samuelson 1965).
    """
    whole = (model.sigma**2 + model.jump_rate * model.jump_square) ** 0.5
    return np.asarray(whole * np.exp(-model.kappa * years_between(0.0, years)))


def price_deviation(model: PriceModel, log_price: float, *, now: Years, later: Years) -> FloatArray:
    """The standard deviation of the price at a later time."""
    return np.sqrt(price_variance(model, log_price, now=now, later=later))


def price_variance(
    model: PriceModel, log_price: float, *, now: Years, later: Years, basis_sd: float = 0.0
) -> FloatArray:
    """The variance of the price at a later time, times a factor that knows nothing of it.

    The square of the price follows the same model with X, θ, σ and the jumps doubled. basis_sd: of
    the log of the factor, which is lognormal of mean 1: a firm's own price over the index.
    """
    square = replace(
        model,
        theta=2 * model.theta, beta=2 * model.beta, gamma=2 * model.gamma, sigma=2 * model.sigma,
        jump_mean=2 * model.jump_mean, jump_sd=2 * model.jump_sd,
    )  # fmt: skip
    mean = futures_prices(model, log_price, now=now, expiry=later)
    squares = futures_prices(square, 2 * log_price, now=now, expiry=later)
    return np.maximum(squares * exp(basis_sd**2) - mean**2, 0.0)


def quadrature_points(model: PriceModel) -> int:
    """How many points the integral over the jumps takes. Errors: OutOfDomain."""
    return _quadrature(model.jump_mean, model.jump_sd).nodes.size


def _log_price(model: PriceModel, columns: Sequence[FloatArray]) -> FloatArray:
    """The logs of the prices of a block of log prices, times and expiries."""
    log_price, now, expiry = columns
    years = years_between(now, expiry)
    without = log_without_shocks(model, log_price, now=now, later=expiry)
    diffusion = model.sigma**2 / (4 * model.kappa) * -np.expm1(-2 * model.kappa * years)
    return np.asarray(without + diffusion + _jumps(model, years))


def _jumps(model: PriceModel, years: FloatArray) -> FloatArray:
    """The part of the jumps in A(t,T)."""
    quadrature = _quadrature(model.jump_mean, model.jump_sd)
    half = np.expm1(-model.kappa * years) * -0.5
    total = np.zeros_like(half)
    for node, weight in zip(*quadrature, strict=True):
        total += weight * _integrand(
            1.0 - half * (1.0 - node), jump_mean=model.jump_mean, jump_sd=model.jump_sd
        )
    return np.asarray(model.jump_rate / model.kappa * half * total)


def _integrand(decay: FloatArray, *, jump_mean: float, jump_sd: float) -> FloatArray:
    """(E[e^(uJ)] − 1)/u, above 0 everywhere u is."""
    values = decay * (0.5 * jump_sd**2)
    values += jump_mean
    values *= decay
    np.exp(values, out=values)
    values -= 1.0
    values /= decay
    return values


@lru_cache(maxsize=64)
def _quadrature(jump_mean: float, jump_sd: float) -> _Quadrature:
    """The fewest points that agree, over the widest range, with twice as many."""
    rules = [_Quadrature(*roots_legendre(points)) for points in _POINTS]
    with np.errstate(over="ignore"):
        widest = [
            float(
                rule.weights
                @ _integrand((1 + rule.nodes) / 2, jump_mean=jump_mean, jump_sd=jump_sd)
            )
            for rule in rules
        ]
    for rule, few, twice in zip(rules, widest, widest[1:], strict=False):
        if abs(few - twice) <= _TOLERANCE * max(1.0, abs(twice)):
            return rule
    msg = (
        f"jump_mean, jump_sd: expected jumps whose mean of the price converges within "
        f"{_POINTS[-1]} points, found {jump_mean:g} and {jump_sd:g}: the settings explode"
    )
    raise OutOfDomain(msg)
