"""Estimates from simulated paths in antithetic pairs, each with its standard error.

In: samples (2, pairs), a value of each path, the mirror image of path n below it. Out: estimates.
Two paths of a pair depend on each other, so that errors are those of pairs or of groups of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from risk.price_model import FloatArray

_GROUPS: Final = 50


class Estimate(NamedTuple):
    """A figure and its standard error; an error of None: computed, not simulated."""

    value: float
    error: float | None = None


def paired_mean(samples: FloatArray) -> Estimate:
    """The mean over all paths, with the error of the means of pairs."""
    pairs = samples.mean(axis=0)
    return Estimate(float(pairs.mean()), float(pairs.std(ddof=1)) / sqrt(pairs.size))


def controlled_mean(
    samples: FloatArray, controls: Sequence[FloatArray], *, means: Sequence[float]
) -> Estimate:
    """The mean over all paths, freed of what controls explain, whose true means are known.

    By least squares on the pairs. Source: Glasserman 2003, Monte Carlo Methods in Financial
    Engineering, eq. 4.5.
    """
    wanted_pairs = samples.mean(axis=0)
    known_means = np.array(means)
    seen = np.stack([control.mean(axis=0) for control in controls], axis=1) - known_means
    design = np.column_stack([np.ones(wanted_pairs.size), seen])
    fit, *_ = np.linalg.lstsq(design, wanted_pairs, rcond=None)
    unexplained = wanted_pairs - design @ fit
    freedom = max(1, wanted_pairs.size - design.shape[1])
    return Estimate(
        float(fit[0]), sqrt(float(unexplained @ unexplained) / freedom / wanted_pairs.size)
    )


def grouped(statistic: Callable[[FloatArray], float], samples: FloatArray) -> Estimate:
    """A statistic of all paths, with its error from how groups of pairs differ.

    statistic: of a row of values, such as a quantile, which is no mean. Fewer than four pairs
    have no error.
    """
    groups = np.array_split(samples, min(_GROUPS, samples.shape[1] // 2), axis=1)
    of_groups = [statistic(group.ravel()) for group in groups]
    is_one = len(groups) == 1
    error = None if is_one else float(np.std(of_groups, ddof=1)) / sqrt(len(groups))
    return Estimate(statistic(samples.ravel()), error)


def skewness(values: FloatArray) -> float:
    """The third moment about the mean over the deviation cubed; 0 of what does not vary."""
    apart = values - values.mean()
    deviation = float(np.sqrt(np.mean(apart**2)))
    return float(np.mean(apart**3)) / deviation**3 if deviation > 0 else 0.0
