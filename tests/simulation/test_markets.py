"""Markets of several days by seed (`--seeds N` of them), each against the twin and every law."""

from __future__ import annotations

import pytest

from tests.simulation.one_market import play

CHUNK = 10


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Chunks of seeds, as many as the option asks for."""
    if "first_seed" in metafunc.fixturenames:
        seeds = metafunc.config.getoption("seeds")
        metafunc.parametrize("first_seed", range(0, seeds, CHUNK))


def test_a_seeded_market_is_decided_as_by_the_twin_and_keeps_every_law(
    first_seed: int, pytestconfig: pytest.Config
) -> None:
    for seed in range(first_seed, min(first_seed + CHUNK, pytestconfig.getoption("seeds"))):
        play(seed)
