"""The model `expected_shortfall` (RULEBOOK §5): its law, its states, its bounds; ES by sorting."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from hashlib import sha256
from math import exp, floor, log1p
from random import Random
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.units import PPM
from risk.margin import ALONE, ContractHistory, Holding, Measure
from risk.margin_shortfall import shortfall_losses
from risk.portfolio import tail_mean

# e^|J| - 1 at the quantiles 1/24, 3/24, ... of J normal, 0.10 and 0.25 (paper, table 3).
PRIOR = [
    *(14_250, 43_521, 74_145, 106_586, 141_447, 179_555),
    *(222_117, 271_029, 329_577, 404_320, 511_951, 728_281),
]
TODAY = date(2026, 6, 8)
CALM = [2_000_000] * 300
STEPS = [2_000_000 + (day // 30 % 3) * 300_000 for day in range(600)]
LADDER = [9, 37, 72, 100, 135, 163, 191, 282, 373, 464]


def es(
    fixings: list[int],
    *,
    rank: int = 1,
    price: int = 200,
    count: int = 1_000,
    day: date = TODAY,
    sessions_left: int = 20,
) -> Measure:
    history = ContractHistory([price], fixings, "SIT", day, rank, LADDER[rank], sessions_left)
    return shortfall_losses(history, {"shortfall_scenarios": count, "margin_floor_ppm": 80_000})


def test_the_prior_has_the_sizes_of_the_paper_at_twelve_quantiles() -> None:
    jump = NormalDist(0.10, 0.25)
    for number, size in enumerate(PRIOR):
        log_size = log1p(size / PPM)
        chance = jump.cdf(log_size) - jump.cdf(-log_size)
        assert chance == pytest.approx((2 * number + 1) / 24, abs=2e-6)


def test_a_fall_and_a_rise_of_one_size_meet_again() -> None:
    shocks = es([], price=10**9, count=2 * 3_024).shocks_ppm[::2]
    assert (1 - max(shocks) / PPM) * (1 - min(shocks) / PPM) == pytest.approx(1, abs=2e-6)


def test_the_moves_are_quantiles_of_every_window_and_the_prior() -> None:
    made = es(STEPS, price=10**9)
    scale = made.evidence["scale_ppm"]
    assert isinstance(scale, int)
    units = [0] * (246 * 12)
    for before, after in zip(STEPS, STEPS[2:], strict=False):
        ratio = Fraction(max(before, after), min(before, after)) - 1
        size = int(ratio * PPM) * (1 if after > before else -1)
        scaled = Fraction(floor(Fraction(size * scale, PPM)), PPM)
        units += [int(PPM * (scaled if scaled > 0 else scaled / (1 - scaled)))] * 12
    for size in PRIOR:
        units += [size] * 3 + [-(size * PPM // (PPM + size))] * 3
    units.sort()
    expected = [units[(2 * number + 1) * len(units) // 1_000] for number in range(500)]
    lowest, highest = expected[:10], expected[-10:]
    expected[:10] = [min(move, -80_000) for move in lowest]
    expected[-10:] = [max(move, 80_000) for move in highest]
    assert [-shock for shock in made.shocks_ppm[::2]] == expected
    assert (made.evidence["windows"], made.fallback) == (598, None)


def test_every_second_state_decays_with_the_days_to_expiry() -> None:
    made = es(STEPS, rank=9, price=10**9)
    for state in (1, 3, 997, 999):
        kappa = sha256(f"SIT/{TODAY}/{state}".encode()).digest()[0] % 5 + 1
        stays, decays = made.shocks_ppm[state - 1 : state + 1]
        assert decays == pytest.approx(stays * exp(-kappa * 464 / 365), abs=2)


def test_the_front_month_has_a_basis_and_each_contract_a_tick_either_way() -> None:
    fine, coarse = es(CALM, price=10**9).shocks_ppm, es(CALM, price=100).shocks_ppm
    ticks = {first - second for first, second in zip(coarse, fine, strict=True)}
    assert ticks == {-10_000, 0, 10_000}
    front = es(CALM, rank=0, price=10**9).shocks_ppm
    basis = [first - second for first, second in zip(front[::2], fine[::2], strict=True)]
    assert -20_000 <= min(basis) < -19_000
    assert 19_000 < max(basis) <= 20_000


def test_the_history_is_scaled_by_a_half_to_two() -> None:
    wild = [2_000_000, 2_500_000] * 126
    assert es([*CALM, *STEPS]).evidence["scale_ppm"] != PPM
    assert es([*wild * 3, *CALM]).evidence["scale_ppm"] == PPM // 2
    assert es([*CALM * 7, *range(2_000_000, 2_500_000, 2_000)]).evidence["scale_ppm"] == 2 * PPM
    assert es(STEPS[:200]).evidence["scale_ppm"] == PPM


@pytest.mark.parametrize(
    ("fixings", "fallback"),
    [
        ([], "no_history"),
        ([1, 2], "no_history"),
        ([1, 2, 3], "short_history"),
        ([0, *CALM], "not_positive"),
        (CALM[:62], None),
    ],
)
def test_a_history_too_short_is_named(fixings: list[int], fallback: str | None) -> None:
    assert es(fixings).fallback == fallback


def test_the_last_sessions_stand_alone_and_days_do_not_mix() -> None:
    assert es(CALM).axis == "es/SIT/2026-06-08"
    assert es(CALM, sessions_left=2).axis == f"{ALONE}SIT/2026-07-15"
    assert es(CALM, day=date(2026, 6, 9)).shocks_ppm != es(CALM).shocks_ppm


@given(
    fixings=st.lists(st.sampled_from([-5, 0, 1, 10**6, 3 * 10**6, 10**15]), max_size=80),
    price=st.integers(0, 10**12),
    rank=st.integers(0, 9),
    count=st.sampled_from([100, 101, 999]),
)
def test_whatever_the_history_margin_is_within_its_bounds(
    fixings: list[int], price: int, rank: int, count: int
) -> None:
    made = es(fixings, price=price, rank=rank, count=count)
    assert len(made.shocks_ppm) == count
    assert 0 < made.long_ppm <= PPM
    assert 0 < made.short_ppm <= 3 * PPM
    for side in ("long_ppm", "short_ppm"):
        tail = made.evidence[side]
        assert isinstance(tail, int)
        assert tail > 0


def test_the_worst_of_an_index_that_triples_stay_within_the_price() -> None:
    tripled = [*CALM[:30], *(6_000_000,) * 30, *(2_000_000,) * 30]
    made = es(tripled, price=10**6)
    assert (made.long_ppm <= 999_999, made.short_ppm <= 3 * PPM) == (True, True)
    assert made.short_ppm > 1_900_000


def test_portfolios_are_asked_the_mean_of_the_sorted_tail() -> None:
    chance = Random(7)  # noqa: S311 - tests draw no secrets
    measures = [es(STEPS, rank=rank, price=200 + rank) for rank in range(10)]
    rows = [[chance.randint(-900, 900) for _ in range(10)] for _ in range(40)]
    matrix = np.array([*rows, [10**9, -(10**9), *[0] * 8]]).T
    holdings = [
        Holding(np.arange(41), column.copy(), 200 + rank, measures[rank])
        for rank, column in enumerate(matrix)
    ]
    initial = tail_mean(holdings, 41, settings={}).initial.tolist()
    for account, cents in zip(matrix.T.tolist(), initial, strict=True):
        losses = sorted(
            sum(
                position * (200 + rank) * measures[rank].shocks_ppm[state]
                for rank, position in enumerate(account)
            )
            for state in range(1_000)
        )
        assert cents == -(-max(0, sum(losses[-10:])) // (10 * PPM))


def test_a_calendar_spread_costs_more_than_nothing_and_less_than_its_legs() -> None:
    measures = [es(STEPS, rank=rank) for rank in range(10)]
    for near in range(9):
        for far in range(near + 1, 10):
            lots = {near: np.array([1_000, -1_000]), far: np.array([-1_000, 1_000])}
            holdings = [
                Holding(np.arange(2), column, 200, measures[rank]) for rank, column in lots.items()
            ]
            requirement = tail_mean(holdings, 2, settings={})
            legs = sum(part for part in requirement.parts)
            assert all(requirement.initial > 0)
            assert all(requirement.initial < legs)
