"""The arithmetic of a hedge: by hand, by NumPy, by Fisher's z, and where it is exact."""

from __future__ import annotations

import numpy as np
import pytest

from risk.hedge import (
    Financing,
    Leg,
    MarginRates,
    efficiency,
    financing_cost,
    front_legs,
    gains_of,
    minimum_variance,
    resampled_efficiencies,
    strip_legs,
    whole_lots,
)
from risk.hedge_margin import eq_7_rates, margins_of, scan_rates
from risk.margin import ContractHistory
from risk.margin_models import MODELS, PAPER
from risk.tail_range import tail_range

SETTINGS = {"margin_alpha_ppm": 3_000_000, "margin_days": 2, "margin_floor_ppm": 80_000}


def row(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def test_a_rolled_stack_gains_what_a_hand_reckons() -> None:
    # Three months of 10, 20 and 30 lots: 60, then 50, then 30 lie in the front contract.
    openings = row(2.00, 2.10, 1.90)[:, np.newaxis]
    settlements = row(2.20, 1.80, 2.00)[:, np.newaxis]
    lots = row(10, 20, 30)[:, np.newaxis]
    gains = gains_of(front_legs(openings, settlements), lots)
    # 60 x 0.20; 50 x -0.30; 30 x 0.10
    assert gains[:, 0] == pytest.approx([12.0, -15.0, 3.0])


def test_a_strip_gives_a_quarter_back_month_by_month() -> None:
    curve = row(2.00, 2.20, 2.10, 2.50)[:, np.newaxis]
    far = row(3.00, 3.00, 3.00, 3.00, 3.50)[:, np.newaxis]
    lots = row(10, 20, 30, 40)[:, np.newaxis]
    gains = gains_of(strip_legs([curve, far], 4), lots)
    # 60 x 0.20; 50 x -0.10; 30 x 0.40; the fourth month's 40 lots in the next quarter x 0.50
    assert gains[:, 0] == pytest.approx([12.0, -5.0, 12.0, 20.0])


def test_financing_is_interest_on_margin_and_on_what_variation_took() -> None:
    legs = front_legs(row(2.00, 1.50)[:, np.newaxis], row(1.50, 1.80)[:, np.newaxis])
    unused = row(9, 9)[:, np.newaxis]
    terms = Financing(0.12, MarginRates(row(0.10, 0.20)[:, np.newaxis], unused))
    # A hundredth a month of 200 x 2.00 x 0.10 = 40, then of 100 x 1.50 x 0.20 + a loss of 100.
    cost = financing_cost(legs, row(100, 100)[:, np.newaxis], terms=terms)
    assert cost == pytest.approx([0.40 + 1.30])


def test_a_short_position_is_asked_margin_of_its_side() -> None:
    legs = [Leg(0, (0, 1), row(2.0), row(2.0))]
    rates = MarginRates(row(9)[:, np.newaxis], row(0.1)[:, np.newaxis])
    cost = financing_cost(legs, row(-100)[:, np.newaxis], terms=Financing(0.12, rates))
    assert cost == pytest.approx([0.20])


def test_lots_are_whole() -> None:
    assert whole_lots(0.45, row(10, 11, 0)).tolist() == [4.0, 5.0, 0.0]


def test_the_ratio_is_the_slope_of_a_regression_and_the_efficiency_its_r_squared() -> None:
    rng = np.random.default_rng(5)
    gains = rng.standard_normal(500)
    bills = 0.7 * gains + rng.standard_normal(500)
    best = minimum_variance(bills, gains)
    assert best.ratio == pytest.approx(np.polyfit(gains, bills, 1)[0])
    assert best.correlation == pytest.approx(np.corrcoef(bills, gains)[0, 1])
    assert best.ratio == pytest.approx(best.correlation * bills.std() / gains.std())
    hedged = bills - best.ratio * gains
    assert efficiency(bills, hedged) == pytest.approx(best.correlation**2)


@pytest.mark.parametrize("ratio", [0.3, 1.1])
def test_no_other_ratio_has_a_smaller_variance(ratio: float) -> None:
    gains = row(1, -1, 2, 0.5)
    bills = row(0.5, -1, 1, 1)
    best = minimum_variance(bills, gains).ratio
    assert np.var(bills - best * gains) < np.var(bills - ratio * gains)


def test_what_does_not_vary_has_no_ratio() -> None:
    assert minimum_variance(row(1, 1), row(1, 2)) == (0.0, 0.0)
    assert minimum_variance(row(1, 2), row(1, 1)) == (0.0, 0.0)


def test_the_bootstrap_agrees_with_fishers_z_on_normal_numbers() -> None:
    rng = np.random.default_rng(7)
    count, rho = 400, 0.8
    gains = rng.standard_normal(count)
    bills = rho * gains + np.sqrt(1 - rho**2) * rng.standard_normal(count)
    best = minimum_variance(bills, gains)
    hedged = bills - best.ratio * gains
    weights = rng.multinomial(count, np.full(count, 1 / count), 2_000).astype(np.float64)
    half = 1.96 / np.sqrt(count - 3)
    z = np.arctanh(best.correlation)
    by_fisher = np.tanh([z - half, z + half]) ** 2
    for cover in (gains[np.newaxis], None):
        resampled = resampled_efficiencies(
            bills[np.newaxis], hedged[np.newaxis], weights=weights, gains=cover
        )
        assert np.quantile(resampled, (0.025, 0.975)) == pytest.approx(by_fisher, abs=0.015)


def test_a_resample_of_all_once_is_the_sample_and_one_without_variance_is_none() -> None:
    bills, hedged = row(1, 2, 4, 4)[np.newaxis], row(1, 1, 2, 3)[np.newaxis]
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]])
    (whole, flat) = resampled_efficiencies(bills, hedged, weights=weights, gains=None)
    assert whole == pytest.approx(efficiency(bills, hedged))
    assert np.isnan(flat)


def test_eq_7_in_floats_is_the_models_to_a_ppm() -> None:
    rng = np.random.default_rng(3)
    micros = np.rint(2e6 * np.exp(np.cumsum(rng.normal(0, 0.05, 30)))).astype(np.int64)
    logs = np.log(micros.astype(np.float64))[:, np.newaxis]
    for day in (5, 19, 20, 29):
        history = ContractHistory(settlements=(), fixings=micros[: day + 1].tolist())
        model = MODELS[PAPER].measure(history, SETTINGS).long_ppm
        ours = float(eq_7_rates(logs, day, settings=SETTINGS).long[0]) * 1_000_000
        assert model - 1 <= round(ours, 6) <= model


@pytest.mark.parametrize("day", [0, 1, 45, 300, 1_600])
def test_the_scan_range_in_floats_is_the_models_to_a_ppm(day: int) -> None:
    """Of steps, of a market that moves every day, and of one that leaps; several at once."""
    rng = np.random.default_rng(3)
    moves = rng.normal(0, 0.05, (1_700, 3))
    moves[:, 0] *= rng.random(1_700) < 0.05
    moves[::40, 2] += 1.5
    moves[20::40, 2] -= 1.5
    micros = np.rint(2e6 * np.exp(np.cumsum(moves, axis=0))).astype(np.int64)
    ours = scan_rates(np.log(micros.astype(np.float64)), day)
    for path in range(3):
        model = tail_range(micros[: day + 1, path].tolist())
        for ppm, rates in ((model.long_ppm, ours.long), (model.short_ppm, ours.short)):
            assert ppm - 1 <= round(float(rates[path]) * 1_000_000, 6) <= ppm


def test_a_move_without_end_is_one_of_the_largest_that_counts() -> None:
    endless, largest = (scan_rates(row(0, log)[:, np.newaxis], 1) for log in (1e4, np.log(11)))
    assert (endless.long, endless.short) == (largest.long, largest.short)


def test_months_lie_on_top_of_each_other() -> None:
    both = margins_of([MarginRates(row(1, 2), row(3, 4)), MarginRates(row(5, 6), row(7, 8))])
    assert both.long.tolist() == [[1, 2], [5, 6]]
    assert both.of(np.array([1, 1])).short.tolist() == [[7, 8], [7, 8]]


def test_a_resample_has_the_ratio_that_its_own_numbers_make() -> None:
    gains, bills = row(1, -1, 2, 0.5, -2), row(0.5, -1, 1, 1, -3)
    hedged = bills - minimum_variance(bills, gains).ratio * gains
    drawn = [0, 0, 2, 3, 4]
    weights = np.bincount(drawn, minlength=5).astype(np.float64)[np.newaxis]
    (resampled,) = resampled_efficiencies(
        bills[np.newaxis], hedged[np.newaxis], weights=weights, gains=gains[np.newaxis]
    )
    assert resampled == pytest.approx(np.corrcoef(bills[drawn], gains[drawn])[0, 1] ** 2)
