"""Draws come from the generator alone, and jumps are a compound Poisson process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from risk.price_model import OutOfDomain
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.paper.draws import draw

MODEL = PRICE_SCENARIOS[BASELINE].model


def test_a_seed_gives_the_same_draws() -> None:
    first, again = (
        draw(MODEL, np.random.default_rng(7), pairs=5, steps=4, step_years=0.5) for _ in range(2)
    )
    assert np.array_equal(first.normals, again.normals)
    assert [np.array_equal(*pair) for pair in zip(first.jumps, again.jumps, strict=True)] == [
        True
    ] * 3


def test_jumps_are_as_many_and_as_large_as_the_model_says() -> None:
    """λ 3, two years, 20,000 paths: 120,000 jumps, a deviation of √120,000 = 346; μ_J 0.10."""
    _, jumps = draw(MODEL, np.random.default_rng(7), pairs=20_000, steps=4, step_years=0.5)
    assert abs(jumps.sizes.size - 120_000) < 4 * 346
    assert abs(jumps.sizes.mean() - 0.10) < 4 * 0.25 / 346
    assert abs(jumps.sizes.std() - 0.25) < 4 * 0.25 / 346
    counts = np.bincount(jumps.paths, minlength=20_000)
    assert counts.var() == pytest.approx(6, rel=0.05)
    assert 0 <= jumps.times.min() < jumps.times.max() < 2


def test_without_jumps_there_are_none() -> None:
    model = replace(MODEL, jump_rate=0.0)
    draws = draw(model, np.random.default_rng(7), pairs=3, steps=2, step_years=1.0)
    assert (draws.normals.shape, draws.jumps.sizes.size) == ((2, 3), 0)


def test_more_jumps_than_memory_holds_are_refused() -> None:
    model = replace(MODEL, jump_rate=1e9)
    with pytest.raises(OutOfDomain, match=r"jump_rate: expected at most 100,000,000 jumps"):
        draw(model, np.random.default_rng(7), pairs=3, steps=2, step_years=1.0)
