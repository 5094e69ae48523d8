"""What is kept of paths, on a path worked by hand, and the same whatever the blocks."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from risk.price_model import FloatArray
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.paper import simulation
from services.paper.simulation import MONTH_STEPS, PathSample, log_blocks, sample_paths

MODEL = PRICE_SCENARIOS[BASELINE].model
STEPS = 756


def kept(monkeypatch: pytest.MonkeyPatch, prices: FloatArray) -> PathSample:
    """What is kept of these prices (steps, 2), a pair."""
    monkeypatch.setattr(simulation, "log_blocks", lambda *_, **__: [np.log(prices)])
    return sample_paths(MODEL, np.random.default_rng(1), pairs=1)


def test_the_swings_of_a_path_are_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """2, down to 1, up to 6, down to 3, to the end; its mirror stays at 2."""
    prices = np.full((STEPS, 2), 2.0)
    prices[10:20, 0], prices[20:100, 0], prices[100:, 0] = 1.0, 6.0, 3.0
    sample = kept(monkeypatch, prices)
    assert sample.high[:, 0] == pytest.approx([6, 2])
    assert sample.low[:, 0] == pytest.approx([1, 2])
    assert sample.rise[:, 0] == pytest.approx([6, 1])
    assert sample.fall[:, 0] == pytest.approx([0.5, 1])
    assert sample.month(1)[:, 0] == pytest.approx([6, 2])
    assert sample.month(36)[:, 0] == pytest.approx([3, 2])
    # Three moves in three years: one a year beyond 12 %, and as many beyond 15 %.
    assert sample.moves_band[:, 0] == pytest.approx([1, 0])
    assert sample.moves_limit[:, 0] == pytest.approx([1, 0])


def test_a_jump_lifts_margin_above_the_band_for_twenty_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One return r among 20: variance r²/20 (n − 1: 19 of 20 over 19); 3 √(2 r²/20) > 12 %.

    So a log return of 0.126 is inside, 0.127 is not. 737 closes have twenty returns.
    """
    prices = np.full((STEPS, 2), 2.0)
    prices[300:] *= np.exp([0.127, 0.126])
    assert 0.126 < 0.04 * sqrt(10) < 0.127
    assert kept(monkeypatch, prices).above_band[:, 0] == pytest.approx([20 / 737, 0])


def test_a_move_of_exactly_the_width_is_not_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up by 13 %: beyond 12 %, inside of 15 %; down by 14 %, which in logs is more than 15 % up."""
    prices = np.full((STEPS, 2), 2.0)
    prices[300:] *= [1.13, 0.86]
    sample = kept(monkeypatch, prices)
    assert sample.moves_band[:, 0] == pytest.approx([1 / 3, 1 / 3])
    assert sample.moves_limit[:, 0] == pytest.approx([0, 0])


def test_paths_come_in_blocks_with_their_mirror_images_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation, "_BLOCK_PAIRS", 2)
    sizes = [logs.shape for logs in log_blocks(MODEL, np.random.default_rng(1), pairs=5)]
    assert sizes == [(STEPS, 4), (STEPS, 4), (STEPS, 2)]
    sample = sample_paths(MODEL, np.random.default_rng(1), pairs=5)
    assert sample.monthly.shape == (STEPS // MONTH_STEPS, 2, 5)
    middle = np.log(sample.month(1)).mean(axis=0)
    assert np.ptp(middle) < 0.5 * np.ptp(np.log(sample.month(1)[0]))
    assert sample.high.shape == (2, 5)
    assert np.all(sample.low <= 2)
    assert log(2) == MODEL.theta
