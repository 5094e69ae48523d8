"""Paths: steps worked by hand, and simulation against the closed forms within its error."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest

from risk.monte_carlo import controlled_mean, grouped, paired_mean, skewness
from risk.price_curve import futures_prices, price_deviation
from risk.price_model import FloatArray, OutOfDomain, PriceModel, log_law
from risk.price_paths import Draws, Jumps, log_paths, mirrored, price_paths
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS

MODEL = PRICE_SCENARIOS[BASELINE].model
NO_LEVEL = PriceModel(2.0, 0.0, 0.0, 0.0, 1.0, 0.5, 3.0, 0.10, 0.25)
PAIRS, STEPS, YEARS = 4_000, 8, 2.0
STEP = YEARS / STEPS


def drawn(model: PriceModel, seed: int) -> Draws:
    """Draws of four thousand pairs, eight steps of a quarter."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(model.jump_rate * YEARS, PAIRS)
    paths = np.repeat(np.arange(PAIRS), counts)
    times = rng.random(paths.size) * YEARS
    sizes = rng.normal(model.jump_mean, model.jump_sd, paths.size)
    return Draws(rng.standard_normal((STEPS, PAIRS)), Jumps(paths, times, sizes))


@pytest.fixture(scope="module", params=[*PRICE_SCENARIOS])
def simulated(request: pytest.FixtureRequest) -> tuple[PriceModel, FloatArray]:
    """A scenario and its prices (steps, 2, pairs)."""
    model = PRICE_SCENARIOS[request.param].model
    prices = price_paths(model, mirrored(drawn(model, 13), model), price=2.0, step_years=STEP)
    return model, prices.reshape(STEPS, 2, PAIRS)


def test_a_step_is_worked_by_hand() -> None:
    """κ 2, a step of half a year: e^(−1) of what was, 0.5 √((1 − e^(−2))/4) of a normal.

    The jump of 0.3 at 0.75, in the middle of the second step, has e^(−0.5) of it at the end.
    """
    draws = Draws(
        np.array([[1.0], [-2.0]]), Jumps(np.array([0]), np.array([0.75]), np.array([0.3]))
    )
    deviation = 0.5 * sqrt((1 - exp(-2)) / 4)
    first = 0.8 * exp(-1) + deviation
    expected = [first, first * exp(-1) - 2 * deviation + 0.3 * exp(-0.5)]
    assert log_paths(NO_LEVEL, draws, log_price=0.8, step_years=0.5)[:, 0] == pytest.approx(
        expected
    )


def test_a_jump_at_the_very_end_falls_in_the_last_step() -> None:
    draws = Draws(np.zeros((2, 1)), Jumps(np.array([0]), np.array([1.0]), np.array([0.3])))
    assert log_paths(NO_LEVEL, draws, log_price=0.0, step_years=0.5)[:, 0] == pytest.approx(
        [0, 0.3]
    )


def test_a_mirror_image_turns_normals_and_jumps() -> None:
    jumps = Jumps(np.array([1, 0]), np.array([0.2, 0.7]), np.array([0.35, -0.1]))
    normals, (paths, times, sizes) = mirrored(Draws(np.array([[1.0, -2.0]]), jumps), NO_LEVEL)
    assert normals.tolist() == [[1, -2, -1, 2]]
    assert (paths.tolist(), times.tolist()) == ([1, 0, 3, 2], [0.2, 0.7, 0.2, 0.7])
    assert sizes == pytest.approx([0.35, -0.1, -0.15, 0.3])


def test_the_mean_price_is_the_futures_price(simulated: tuple[PriceModel, FloatArray]) -> None:
    model, prices = simulated
    for step in range(STEPS):
        end = (step + 1) * STEP
        mean = paired_mean(prices[step])
        exact = float(futures_prices(model, log(2), now=0.0, expiry=end))
        assert abs(mean.value - exact) < 4 * (mean.error or 0), (step, mean, exact)
        deviation = grouped(lambda values: float(values.std()), prices[step])
        spread = float(price_deviation(model, log(2), now=0.0, later=end))
        assert abs(deviation.value - spread) < 4 * (deviation.error or 0), (step, deviation, spread)


def test_log_prices_have_the_law_of_the_closed_form(
    simulated: tuple[PriceModel, FloatArray],
) -> None:
    model, prices = simulated
    for step in range(STEPS):
        logs = np.log(prices[step])
        law = log_law(model, log(2), now=0.0, later=(step + 1) * STEP)
        for statistic, exact in (
            (lambda values: float(values.mean()), law.mean),
            (lambda values: float(values.var()), law.variance),
            (skewness, law.skewness),
        ):
            found = grouped(statistic, logs)
            assert abs(found.value - exact) < 4 * (found.error or 0) + 1e-3, (step, found, exact)


def test_a_future_is_worth_on_average_what_it_was(
    simulated: tuple[PriceModel, FloatArray],
) -> None:
    """The martingale property, with jumps: F(t, 2.5) over all states at t is F(0, 2.5)."""
    model, prices = simulated
    start = float(futures_prices(model, log(2), now=0.0, expiry=2.5))
    for step in range(STEPS):
        futures = futures_prices(model, np.log(prices[step]), now=(step + 1) * STEP, expiry=2.5)
        mean = paired_mean(futures)
        assert abs(mean.value - start) < 4 * (mean.error or 0), (step, mean, start)


def test_pairs_and_controls_are_worth_many_paths(
    simulated: tuple[PriceModel, FloatArray],
) -> None:
    model, prices = simulated
    logs = np.log(prices[-1])
    law = log_law(model, log(2), now=0.0, later=YEARS)
    exact = float(futures_prices(model, log(2), now=0.0, expiry=YEARS))
    plain = float(prices[-1].std()) / sqrt(2 * PAIRS)
    paired = paired_mean(prices[-1])
    means = [float(law.mean), float(law.variance)]
    controlled = controlled_mean(prices[-1], [logs, (logs - law.mean) ** 2], means=means)
    assert paired.error is not None
    assert controlled.error is not None
    assert paired.error < plain
    assert controlled.error < plain / 4
    assert abs(controlled.value - exact) < 4 * controlled.error


def test_an_error_is_that_of_pairs() -> None:
    """Means of pairs 2, 4, 6: deviation 2, over √3."""
    assert paired_mean(np.array([[1.0, 4, 5], [3, 4, 7]])) == pytest.approx((4, 2 / sqrt(3)))


def test_a_group_is_at_least_two_pairs() -> None:
    """Groups (1, 3, 1, 3) and (5, 7, 5, 7), whose greatest are 3 and 7: 2√2 / √2."""
    samples = np.array([[1.0, 3, 5, 7], [1, 3, 5, 7]])
    assert grouped(lambda values: float(values.max()), samples) == pytest.approx((7, 2))
    assert grouped(skewness, samples[:, :2]).error is None
    assert skewness(np.ones(3)) == 0


def test_what_explodes_says_so() -> None:
    with pytest.raises(OutOfDomain, match=r"a path: expected finite numbers, .* settings explode"):
        price_paths(replace(MODEL, theta=1e4), drawn(MODEL, 1), price=2.0, step_years=1.0)
