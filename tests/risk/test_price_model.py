"""The law of the log price: worked by hand, and by the differential equation it comes from."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, log, nan, pi, sin

import numpy as np
import pytest
from scipy.integrate import quad

from risk.price_model import OutOfDomain, log_law, log_without_shocks
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS

MODEL = PRICE_SCENARIOS[BASELINE].model


def test_the_half_life_of_table_3_is_3_3_months() -> None:
    assert 12 * MODEL.half_life_years == pytest.approx(12 * 0.693147 / 2.5, rel=1e-6)
    assert round(12 * MODEL.half_life_years, 1) == 3.3


@pytest.mark.parametrize(("now", "later"), [(0.0, 0.0), (0.0, 0.25), (0.3, 2.7), (1.0, 3.0)])
def test_the_moving_level_is_integrated_exactly(now: float, later: float) -> None:
    def pull(when: float) -> float:
        level = MODEL.theta + MODEL.beta * when + MODEL.gamma * sin(2 * pi * when)
        return MODEL.kappa * exp(-MODEL.kappa * (later - when)) * level

    expected = exp(-MODEL.kappa * (later - now)) * 0.4 + quad(pull, now, later, epsabs=1e-13)[0]
    assert log_without_shocks(MODEL, 0.4, now=now, later=later) == pytest.approx(
        expected, abs=1e-12
    )


def test_without_a_return_the_law_is_that_of_merton() -> None:
    """Merton 1976: mean x + λμt, variance (σ² + λ(μ² + δ²))t, third cumulant λ(μ³ + 3μδ²)t."""
    model = replace(MODEL, kappa=1e-7, beta=0.0)
    law = log_law(model, 0.4, now=0.0, later=2.0)
    assert law.mean == pytest.approx(0.4 + 3 * 0.1 * 2, abs=1e-6)
    assert law.variance == pytest.approx((0.16 + 3 * 0.0725) * 2, rel=1e-6)
    third = 3 * (0.001 + 3 * 0.1 * 0.0625) * 2
    assert law.skewness == pytest.approx(third / (0.755) ** 1.5, rel=1e-6)


def test_in_the_long_run_the_variance_is_that_of_table_3() -> None:
    """(σ² + λE[J²]) / 2κ = (0.16 + 0.2175) / 5."""
    assert log_law(MODEL, 0.0, now=0.0, later=99.0).variance == pytest.approx(0.3775 / 5)


def test_what_is_not_random_has_no_skewness() -> None:
    law = log_law(
        replace(MODEL, sigma=0.0, jump_rate=0.0), 0.4, now=0.0, later=np.array([0.0, 1.0])
    )
    assert (law.variance.tolist(), law.skewness.tolist()) == ([0, 0], [0, 0])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kappa", 0.0, "kappa: expected above 0, found 0"),
        ("kappa", -2.5, "kappa: expected above 0, found -2.5"),
        ("season_years", 0.0, "season_years: expected above 0, found 0"),
        ("sigma", -0.4, "sigma: expected at least 0, found -0.4"),
        ("jump_rate", -3.0, "jump_rate: expected at least 0, found -3"),
        ("jump_sd", -0.1, "jump_sd: expected at least 0, found -0.1"),
        ("theta", nan, "theta: expected a finite number, found nan"),
        ("beta", inf, "beta: expected a finite number, found inf"),
        ("jump_mean", 701.0, "jump_mean + jump_sd²/2: expected at most 700, found 701.031"),
    ],
)
def test_a_parameter_outside_its_domain_is_named(name: str, value: float, message: str) -> None:
    with pytest.raises(OutOfDomain) as trouble:
        replace(MODEL, **{name: value})
    assert str(trouble.value) == message


def test_a_time_before_now_is_named() -> None:
    with pytest.raises(OutOfDomain, match=r"T − t: expected at least 0 years, found -0\.5"):
        log_law(MODEL, 0.0, now=1.0, later=np.array([2.0, 0.5]))


def test_the_start_of_every_scenario_is_its_level() -> None:
    assert {scenario.model.theta for scenario in PRICE_SCENARIOS.values()} == {log(2)}
