"""Made-up markets that move in steps, by known laws, under several readings of "clustered".

A market is still but for jumps: 12 a year, in clusters, two thirds of them down, log-normal sizes
of median 6 % and log-standard deviation 1, at most a factor of 3. NumPy's generator, seeded.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAYS: Final = 900
CHANCE: Final = 12 / 252
MEDIAN_SIZE: Final = 0.06
FACTOR_MAX: Final = 3.0
FALLS: Final = 2 / 3


class Reading(NamedTuple):
    """How the words are read.

    clusters: `excited` (each jump makes more likely ones for ten days), `regimes` (a fifth of the
    days has four fifths of the jumps), `bursts` (four times a year some jumps within ten days).
    sizes: of the logarithm, or of the price relative. noise: log-standard deviation of each day.
    """

    clusters: str
    sizes: str = "log"
    noise: float = 0.0


READINGS: Final = (
    Reading("excited"),
    Reading("regimes"),
    Reading("bursts"),
    Reading("excited", noise=0.001),
    Reading("excited", sizes="relative"),
    Reading("bursts", sizes="relative"),
)


def step_markets(reading: Reading, *, seed: int, count: int, last_third: float = 1.0) -> Floats:
    """Values, (count, DAYS), from 10.0; jumps of the last third of the days times `last_third`."""
    rng = np.random.default_rng(seed)
    jumps = _CLUSTERS[reading.clusters](rng, count)
    sizes = MEDIAN_SIZE * np.exp(rng.standard_normal((count, DAYS)))
    sizes[:, DAYS * 2 // 3 :] *= last_third
    down = rng.random((count, DAYS)) < FALLS
    if reading.sizes == "log":
        moves = np.minimum(sizes, np.log(FACTOR_MAX)) * np.where(down, -1, 1)
    else:
        moves = np.log(np.where(down, 1 - sizes, 1 + sizes).clip(1 / FACTOR_MAX, FACTOR_MAX))
    moves = jumps * moves + reading.noise * rng.standard_normal((count, DAYS))
    values: Floats = 10 * np.exp(np.cumsum(moves, axis=1))
    return values


def _excited(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Hawkes: half of the jumps are children of others, ten days later in the mean."""
    excitement = np.full(count, CHANCE / 2)
    jumps = np.zeros((count, DAYS), dtype=bool)
    for day in range(DAYS):
        jumps[:, day] = rng.random(count) < CHANCE / 2 + excitement
        excitement = excitement * 0.9 + jumps[:, day] * 0.05
    return jumps


def _regimes(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Two states that last 20 and 80 days in the mean."""
    busy = rng.random(count) < 1 / 5
    jumps = np.zeros((count, DAYS), dtype=bool)
    for day in range(DAYS):
        jumps[:, day] = rng.random(count) < np.where(busy, 4 * CHANCE, CHANCE / 4)
        busy ^= rng.random(count) < np.where(busy, 1 / 20, 1 / 80)
    return jumps


def _bursts(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Three jumps in the mean, the later ones within ten days of the first."""
    jumps = np.zeros((count, DAYS + 10), dtype=bool)
    for market, day in np.argwhere(rng.random((count, DAYS)) < CHANCE / 3):
        jumps[market, day] = True
        jumps[market, day + rng.integers(1, 11, rng.poisson(2))] = True
    return jumps[:, :DAYS]


_CLUSTERS: Final = {"excited": _excited, "regimes": _regimes, "bursts": _bursts}
