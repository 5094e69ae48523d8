"""Paths of the price model, exact at every step, from numbers that the caller has drawn.

In: standard normals by step and path, jumps with their times. Out: prices at the ends of the steps.
Nothing is approximated by the size of a step: the diffusion's transition is the exact normal one,
the level is integrated exactly, and a jump decays from its own time on.
"""

from __future__ import annotations

from math import exp, expm1, log, sqrt
from typing import NamedTuple

import numpy as np

from events.int64 import IntArray
from risk.price_model import FloatArray, PriceModel, check_finite, log_without_shocks


class Jumps(NamedTuple):
    """Jumps of all paths, one after the other. times: years from the start; sizes: of log price."""

    paths: IntArray
    times: FloatArray
    sizes: FloatArray


class Draws(NamedTuple):
    """What chance gives. normals: (steps, paths)."""

    normals: FloatArray
    jumps: Jumps


def mirrored(draws: Draws, model: PriceModel) -> Draws:
    """The draws and behind them their mirror image: path n and path n + pairs are antithetic.

    A normal changes its sign, a jump lies as far on the other side of its mean, at the same time:
    each path by itself has the law it had.
    """
    normals, jumps = draws
    pairs = normals.shape[1]
    both = np.empty((normals.shape[0], 2 * pairs))
    both[:, :pairs] = normals
    np.negative(normals, out=both[:, pairs:])
    return Draws(
        both,
        Jumps(
            np.concatenate([jumps.paths, jumps.paths + pairs]),
            np.concatenate([jumps.times, jumps.times]),
            np.concatenate([jumps.sizes, 2 * model.jump_mean - jumps.sizes]),
        ),
    )


def price_paths(model: PriceModel, draws: Draws, *, price: float, step_years: float) -> FloatArray:
    """Prices (steps, paths), each at the end of its step, from a price at time 0.

    The normals are overwritten by the prices. Errors: OutOfDomain, when one is beyond a float.
    """
    paths = log_paths(model, draws, log_price=log(price), step_years=step_years)
    with np.errstate(over="ignore"):
        np.exp(paths, out=paths)
    return check_finite("a path", paths)


def log_paths(
    model: PriceModel, draws: Draws, *, log_price: float, step_years: float
) -> FloatArray:
    """X (steps, paths), each at the end of its step, from its value at time 0.

    The normals are overwritten.
    """
    paths = draws.normals
    ends = step_years * np.arange(1, paths.shape[0] + 1)
    level = log_without_shocks(model, log_price, now=0.0, later=ends)
    decay = exp(-model.kappa * step_years)
    paths *= model.sigma * sqrt(expm1(-2 * model.kappa * step_years) / (-2 * model.kappa))
    _add_jumps(model, draws, step_years=step_years)
    # Row by row: what shocks have left from a step to the next, then the level on what is done.
    decayed = np.empty(paths.shape[1])
    for step, above in enumerate(level[:-1]):
        np.multiply(paths[step], decay, out=decayed)
        paths[step + 1] += decayed
        paths[step] += above
    paths[-1] += level[-1]
    return paths


def _add_jumps(model: PriceModel, draws: Draws, *, step_years: float) -> None:
    """Each jump into the step in which it falls, decayed to its end."""
    shocks, jumps = draws
    steps, paths = shocks.shape
    position = jumps.times / step_years
    step = np.minimum(position.astype(np.int64), steps - 1)
    decayed = jumps.sizes * np.exp(-model.kappa * step_years * (step + 1 - position))
    np.add.at(shocks.reshape(-1), step * paths + jumps.paths, decayed)
