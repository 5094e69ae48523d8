"""The whole price model fitted to a history: return, trend, season, diffusion and jumps together.

In: daily prices, oldest first. Out: maximum-likelihood estimates with standard errors. A day's move
is as likely as the model makes it to a basis point: a day that stands still has a probability, and
not a density beyond all bounds. The jumps of a day are Poisson in number, at most four, and lie in
its middle. The season is of a year and begins with the history; a day is 1/252 year.

SciPy's L-BFGS-B from what a line and the far moves say; errors are those of the observed
information, by central differences. A step function lies at the model's edge: where return and
diffusion explain nothing that jumps do not, both are 0, and there is no level that could have a
trend or a season.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import exp, expm1, factorial, log, nan, pi, sqrt
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

from risk.monte_carlo import Estimate
from risk.price_fit import DAY_YEARS, MOVE_WIDTH, history_logs
from risk.price_model import FloatArray, PriceModel, log_without_shocks

Estimates: TypeAlias = Mapping[str, Estimate]

_OF_DIFFUSION: Final = ("kappa", "theta", "beta", "gamma", "sigma")
_OF_JUMPS: Final = ("jump_rate", "jump_mean", "jump_sd")
# Where parameters above 0 are looked for, by their logs. A return of 7,000 years and a diffusion of
# a thousandth of a percent a year are none on any history.
_EDGES: Final = {
    "kappa": (1e-4, 1e3), "sigma": (1e-5, 1e2), "jump_rate": (1e-3, 1e3), "jump_sd": (1e-3, 1e1),
}  # fmt: skip
_JUMP_MEAN_MAX: Final = 5.0
_JUMPS_A_DAY_MAX: Final = 4
# A jump is first looked for beyond four deviations; the median of |N(0, 1)| is 0.6745.
_FAR: Final = 4
_MEDIAN: Final = 0.6745
# Of the log likelihood of all days: what an optimum is found to.
_NOTHING: Final = 0.05
# What no model explains still has a logarithm.
_LEAST: Final = 1e-300
_STEP: Final = 1e-3
_OPTIONS: Final = {"maxiter": 1_000, "maxfun": 100_000, "ftol": 1e-9, "gtol": 1e-3}


class WholeFit(NamedTuple):
    """estimates: by the names of the model's parameters; at the edge 0, with an error of NaN.

    gain: over jumps alone, of the log likelihood of all days. seasonal: of a diffusion drawn back
    to a trend with a season, without jumps.
    """

    estimates: Estimates
    gain: float
    seasonal: Estimates


class _Optimum(NamedTuple):
    model: PriceModel
    log_likelihood: float


def fit_whole(prices: FloatArray) -> WholeFit:
    """All parameters at once. Errors: OutOfDomain, for a history that says nothing."""
    logs = history_logs(prices)
    start = _start(logs)
    none = replace(start, kappa=_EDGES["kappa"][0], beta=0.0, sigma=_EDGES["sigma"][0])
    jumps = _optimum(logs, none, free=_OF_JUMPS)
    whole = _optimum(logs, start, free=(*_OF_DIFFUSION, *_OF_JUMPS))
    # Jumps alone are the whole at its edge: a whole that is worse has not been found there.
    gain = max(0.0, whole.log_likelihood - jumps.log_likelihood)
    if gain < _NOTHING:
        edge = dict.fromkeys(_OF_DIFFUSION, Estimate(0.0, nan))
        estimates = edge | _estimates(logs, jumps.model, free=_OF_JUMPS)
    else:
        estimates = _estimates(logs, whole.model, free=(*_OF_DIFFUSION, *_OF_JUMPS))
    return WholeFit(estimates, gain, _seasonal(logs, start))


def _start(logs: FloatArray) -> PriceModel:
    """A straight line for the level, the usual move for σ, the moves far beyond it for jumps."""
    moves = np.diff(logs)
    beta, theta = np.polyfit(DAY_YEARS * np.arange(logs.size), logs, 1)
    usual = max(_EDGES["sigma"][0] * sqrt(DAY_YEARS), float(np.median(np.abs(moves))) / _MEDIAN)
    beyond = moves[np.abs(moves) > _FAR * usual]
    far = beyond if beyond.size > 1 else moves
    return PriceModel(
        kappa=2.0, theta=float(theta), beta=float(beta), gamma=0.0, season_years=1.0,
        sigma=usual / sqrt(DAY_YEARS), jump_rate=far.size / moves.size / DAY_YEARS,
        jump_mean=float(far.mean()), jump_sd=float(far.std()),
    )  # fmt: skip


def _seasonal(logs: FloatArray, start: PriceModel) -> Estimates:
    sigma = float(np.diff(logs).std()) / sqrt(DAY_YEARS)
    alone = _optimum(logs, replace(start, sigma=sigma, jump_rate=0.0), free=_OF_DIFFUSION)
    return _estimates(logs, alone.model, free=_OF_DIFFUSION)


def _optimum(logs: FloatArray, start: PriceModel, *, free: Sequence[str]) -> _Optimum:
    def loss(point: FloatArray) -> float:
        return -_log_likelihood(logs, _at(start, point, free=free))

    domain = {name: np.log(edges) for name, edges in _EDGES.items()}
    domain["jump_mean"] = np.array([-_JUMP_MEAN_MAX, _JUMP_MEAN_MAX])
    bounds = [domain.get(name, (None, None)) for name in free]
    made = minimize(
        loss, _point(start, free=free), method="L-BFGS-B", bounds=bounds, options=_OPTIONS
    )
    return _Optimum(_at(start, made.x, free=free), -float(made.fun))


def _log_likelihood(logs: FloatArray, model: PriceModel) -> float:
    """Of all days, of moves to a basis point."""
    times = DAY_YEARS * np.arange(logs.size, dtype=np.float64)
    moves = logs[1:] - log_without_shocks(model, logs[:-1], now=times[:-1], later=times[1:])
    variance = model.sigma**2 * -expm1(-2 * model.kappa * DAY_YEARS) / (2 * model.kappa)
    decay, expected = exp(-model.kappa * DAY_YEARS / 2), model.jump_rate * DAY_YEARS
    edges = (np.abs(moves) + np.array([[-0.5], [0.5]]) * MOVE_WIDTH) / sqrt(variance)
    chances = exp(-expected) * (ndtr(-edges[0]) - ndtr(-edges[1]))
    for jumps in range(1, _JUMPS_A_DAY_MAX + 1) if expected else ():
        # So wide that a basis point is a point of the density.
        jumped = variance + jumps * (model.jump_sd * decay) ** 2
        apart = moves - jumps * model.jump_mean * decay
        weight = exp(-expected) * expected**jumps / factorial(jumps)
        chances += weight * MOVE_WIDTH / sqrt(2 * pi * jumped) * np.exp(apart**2 / (-2 * jumped))
    return float(np.log(np.maximum(chances, _LEAST)).sum())


def _point(model: PriceModel, *, free: Sequence[str]) -> FloatArray:
    """Where the parameters are looked for: those above 0 by their logs."""
    values = asdict(model)
    return np.array([log(values[name]) if name in _EDGES else values[name] for name in free])


def _at(model: PriceModel, point: FloatArray, *, free: Sequence[str]) -> PriceModel:
    values = zip(free, point.tolist(), strict=True)
    return replace(
        model, **{name: exp(value) if name in _EDGES else value for name, value in values}
    )


def _estimates(logs: FloatArray, model: PriceModel, *, free: Sequence[str]) -> dict[str, Estimate]:
    point, values = _point(model, free=free), asdict(model)
    steps = _STEP * np.eye(point.size)

    def at(*shifts: FloatArray) -> float:
        return _log_likelihood(logs, _at(model, point + np.sum(shifts, axis=0), free=free))

    information = [
        [at(row, -step) + at(-row, step) - at(row, step) - at(-row, -step) for step in steps]
        for row in steps
    ]
    variances = np.diag(np.linalg.inv(np.array(information) / (4 * _STEP**2)))
    scales = [values[name] if name in _EDGES else 1.0 for name in free]
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(variances) * scales
    return {
        name: Estimate(values[name], error)
        for name, error in zip(free, errors.tolist(), strict=True)
    }
