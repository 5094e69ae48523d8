"""What a tenth more of a parameter does: signs that a hand reckons, efficiency by simulation."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from risk.hedge import minimum_variance
from risk.price_paths import log_paths, mirrored
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.paper.draws import draw
from services.paper.sensitivity_rows import sensitivity_rows, single_efficiency

MODEL = PRICE_SCENARIOS[BASELINE].model
FIGURES = {(row.figure, row.reading): row.estimate.value for row in sensitivity_rows()}


def test_efficiency_is_the_squared_correlation_of_simulated_prices() -> None:
    """The own price is the index times a lognormal factor of deviation 0.43 and mean 1."""
    rng = np.random.default_rng(4)
    draws = mirrored(draw(MODEL, rng, pairs=200_000, steps=1, step_years=1.0), MODEL)
    index = np.exp(log_paths(MODEL, draws, log_price=log(2), step_years=1.0))[0]
    own = index * np.exp(0.43 * rng.standard_normal(index.size) - 0.43**2 / 2)
    squared = minimum_variance(own, index).correlation ** 2
    assert single_efficiency(MODEL, 0.43) == pytest.approx(squared, abs=0.005)
    assert FIGURES["efficiency of one contract", "own price, table 3"] == single_efficiency(
        MODEL, 0.43
    )


def test_without_a_basis_a_future_takes_all() -> None:
    assert single_efficiency(MODEL, 0.0) == pytest.approx(1)


def test_a_tenth_more_trend_takes_the_price_down_by_what_has_arrived() -> None:
    """The log falls by 0.035 a year, followed at κ 2.5: 0.035 (1 − (1 − e^−2.5)/2.5)."""
    arrived = 0.035 * (1 - (1 - exp(-2.5)) / 2.5)
    moved = FIGURES["sensitivity of the price after 12 months", "β up by a tenth"]
    assert moved == pytest.approx(exp(-arrived) - 1, rel=1e-9)
    # All prices by one factor: the deviation falls as far.
    scaled = FIGURES["sensitivity of the deviation of the price after 12 months", "β up by a tenth"]
    assert scaled == pytest.approx(moved, rel=1e-6)


@pytest.mark.parametrize(
    ("reading", "sign"),
    [("κ", -1), ("σ", 1), ("λ", 1), ("μ_J", 1), ("σ_J", 1), ("own price's deviation", -1)],
)
def test_what_moves_the_index_more_makes_a_hedge_take_more(reading: str, sign: int) -> None:
    change = FIGURES["sensitivity of that efficiency", f"{reading} up by a tenth"]
    assert sign * change > 0


def test_a_trend_and_a_season_are_no_matter_to_the_efficiency() -> None:
    base = single_efficiency(MODEL, 0.43)
    assert single_efficiency(replace(MODEL, beta=-1.0, gamma=0.5), 0.43) == pytest.approx(base)
