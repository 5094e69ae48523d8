"""`curve`: futures prices in closed form, against the bare exponential of their quadrature points.

F(t,T) a second, each with a log price, a time and an expiry of its own, against `np.exp` of as many
numbers as prices times points of the quadrature, in CPU seconds of one thread, the best of TRIES,
by turns. Six prices are checked against the integral by SciPy.
"""

from __future__ import annotations

from math import exp, log, pi, sin
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
from scipy.integrate import quad

from risk.price_curve import futures_prices, quadrature_points
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from tests.bench.figure import Figure, line_of

TRIES: Final = 5
MODEL: Final = PRICE_SCENARIOS[BASELINE].model


def run(_: Path, *, prices_count: int) -> dict[str, Any]:
    """So many prices at once."""
    rng = np.random.default_rng(1)
    states = rng.normal(log(2), 0.3, prices_count)
    now = rng.uniform(0, 3, prices_count)
    expiry = now + rng.uniform(0, 3, prices_count)
    points = quadrature_points(MODEL)
    exponents = rng.uniform(-1, 1, (points, prices_count))
    bare, ours = [], []
    prices = np.zeros(0)
    for _number in range(TRIES):
        begun = process_time()
        np.exp(exponents)
        bare.append(process_time() - begun)
        begun = process_time()
        prices = futures_prices(MODEL, states, now=now, expiry=expiry)
        ours.append(process_time() - begun)
    for index in range(0, prices_count, max(1, prices_count // 6)):
        expected = _integrated(states[index], now=now[index], expiry=expiry[index])
        assert abs(log(prices[index]) - expected) < 1e-10, index
    rates = prices_count / min(ours), prices_count / min(bare)
    return line_of(
        "curve", [Figure("prices", "1/s", *rates, 0.2, "at_least")],
        prices=prices_count, points=points,
    )  # fmt: skip


def _integrated(state: float, *, now: float, expiry: float) -> float:
    """The log of F, A(t,T) as RULEBOOK §8 writes it."""

    def rate(when: float) -> float:
        decay = exp(-MODEL.kappa * (expiry - when))
        level = MODEL.theta + MODEL.beta * when + MODEL.gamma * sin(2 * pi * when)
        jump = exp(MODEL.jump_mean * decay + (MODEL.jump_sd * decay) ** 2 / 2)
        diffusion = (MODEL.sigma * decay) ** 2 / 2
        return MODEL.kappa * decay * level + diffusion + MODEL.jump_rate * (jump - 1)

    whole = quad(rate, now, expiry, epsabs=1e-12, epsrel=1e-12)[0]
    return exp(-MODEL.kappa * (expiry - now)) * state + float(whole)
