"""The model `scan` (RULEBOOK §5): its shapes, its charges, and what no portfolio may escape."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, permutations
from math import exp
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.units import PPM
from risk.margin import ALONE, ContractHistory, Holding, Measure
from risk.margin_scan import SCAN_NAMES, scan_losses, spread_charge_ppm
from risk.portfolio import worst_scenario
from risk.tail_range import tail_range
from settlement.calendar import last_trading_day, listed_deliveries

CALM = [2_000_000] * 300
TODAY = date(2026, 6, 8)


def ladder_on(day: date) -> list[int]:
    """Days to expiry of the ten listed contracts, without holidays."""
    return [(last_trading_day(delivery, ()) - day).days for delivery in listed_deliveries(day, ())]


def market_on(
    day: date, *, price: int = 200, fixings: list[int] = CALM, sessions_left: int = 20
) -> list[Measure]:
    """The measures of the ten listed contracts."""
    ladder = ladder_on(day)
    return [
        scan_losses(
            ContractHistory([price], fixings, "SIT", day, rank, left, sessions_left, ladder), {}
        )
        for rank, left in enumerate(ladder)
    ]


def test_the_shapes_are_named_in_order() -> None:
    assert SCAN_NAMES[:4] == ("parallel_down", "parallel_up", "rank_0_down", "rank_0_up")
    assert (len(SCAN_NAMES), SCAN_NAMES[-1]) == (16, "last_up")


def test_a_contract_loses_the_range_at_its_own_peak_and_less_the_charge_at_others() -> None:
    scan = tail_range(CALM)
    ladder = ladder_on(TODAY)
    second = market_on(TODAY)[1]
    assert second.axis == "scan/16/SIT"
    assert second.shocks_ppm[:2] == second.shocks_ppm[4:6] == (scan.long_ppm, -scan.short_ppm)
    share = spread_charge_ppm(ladder[0], ladder[1])
    assert second.shocks_ppm[2] == scan.long_ppm + -scan.long_ppm * share // PPM
    assert second.evidence["moves"] == 299
    assert (second.long_ppm, second.fallback) == (scan.long_ppm, "no_jump")


@pytest.mark.parametrize(
    ("near", "far", "low", "high"),
    [
        # Measured: front and second .28, front and fourth .58, seventh .75, twelfth .83.
        (9, 37, 270_000, 290_000),
        (21, 112, 520_000, 600_000),
        (21, 203, 690_000, 760_000),
        (21, 365, 790_000, 840_000),
        (300, 300, 100_000, 100_000),
        (300, 330, 100_000, 100_000),
        (-1, 0, 100_000, 100_000),
    ],
)
def test_charges_are_those_known(near: int, far: int, low: int, high: int) -> None:
    assert low <= spread_charge_ppm(near, far) <= high
    assert spread_charge_ppm(near, far) == spread_charge_ppm(far, near)


@given(st.integers(0, 800), st.integers(0, 800))
def test_a_charge_is_the_largest_over_all_speeds(near: int, far: int) -> None:
    first, second = (min(near, far) / 365, max(near, far) / 365)
    steps = [step / 1_000 for step in range(5_001)]
    largest = max(exp(-kappa * first) - exp(-kappa * second) for kappa in steps)
    charge = spread_charge_ppm(near, far)
    assert charge - 3 <= max(100_000, largest * PPM) <= charge


@given(st.lists(st.integers(0, 800), min_size=3, max_size=3))
def test_a_charge_is_at_most_that_of_two_spreads_by_way_of_a_third(days: list[int]) -> None:
    for near, middle, far in permutations(days):
        way = spread_charge_ppm(near, middle) + spread_charge_ppm(middle, far)
        assert spread_charge_ppm(near, far) <= way


@pytest.mark.parametrize("week", range(0, 110, 3))
def test_every_calendar_spread_costs_more_than_nothing_and_less_than_its_legs(week: int) -> None:
    day = TODAY + timedelta(weeks=week)
    measures, ladder = market_on(day), ladder_on(day)
    for near, far in combinations(range(10), 2):
        for bought, sold in ((near, far), (far, near)):
            long, short = measures[bought], measures[sold]
            pairs = zip(long.shocks_ppm, short.shocks_ppm, strict=True)
            cost = max(first - second for first, second in pairs)
            charge = spread_charge_ppm(ladder[near], ladder[far]) * long.long_ppm // PPM
            # The three pairs without a leg at a peak are told apart by the tents beside them.
            share = 1 if {near, far} - {6, 7, 8} else 0.7
            assert charge * share - 1 <= cost <= charge + 1
            assert 0 < cost < long.long_ppm + short.short_ppm


@pytest.mark.parametrize("week", range(0, 110, 7))
def test_every_butterfly_costs_more_than_nothing(week: int) -> None:
    measures = market_on(TODAY + timedelta(weeks=week))
    for low, middle, high in combinations(range(10), 3):
        for sign in (1, -1):
            rows = zip(*(measures[rank].shocks_ppm for rank in (low, middle, high)), strict=True)
            assert max(sign * (first - 2 * second + third) for first, second, third in rows) > 0


def test_a_contract_in_its_last_two_sessions_stands_alone() -> None:
    axes = [market_on(TODAY, sessions_left=sessions)[0].axis for sessions in (3, 2, 0)]
    assert axes == ["scan/16/SIT", f"{ALONE}SIT/2026-06-17", f"{ALONE}SIT/2026-06-17"]


def test_the_least_charge_is_two_ticks() -> None:
    # Of the last two expiries; a tick of 50 is 2 % of the price.
    scan = tail_range(CALM)
    dear, cheap = (market_on(TODAY, price=price)[8] for price in (20_000, 50))
    assert scan.long_ppm - dear.shocks_ppm[14] == -(-scan.long_ppm // 10)
    assert scan.long_ppm - cheap.shocks_ppm[14] == 40_000


def test_no_price_falls_below_a_tick_and_no_margin_to_nothing() -> None:
    falling = [10**9 // 2**step for step in range(25)] * 8
    assert tail_range(falling).long_ppm > 500_000
    losses = [market_on(TODAY, price=price, fixings=falling)[0].long_ppm for price in (1, 2, 10**6)]
    assert losses == [80_000, 500_000, 999_999]
    # A tent of a contract whose two ticks are more than the range ends at 0.
    assert min(map(abs, market_on(TODAY, price=1)[0].shocks_ppm)) == 0


@given(
    st.lists(st.sampled_from([-5, 0, 1, 10**6, 3 * 10**6, 10**15]), max_size=80),
    st.lists(st.integers(0, 10**12), max_size=2),
    st.integers(0, 20),
)
def test_whatever_the_history_margin_is_within_its_bounds(
    fixings: list[int], settlements: list[int], rank: int
) -> None:
    made = scan_losses(ContractHistory(settlements, fixings, rank=rank), {})
    assert 0 < made.long_ppm <= PPM
    assert 0 < made.short_ppm <= 3 * PPM
    assert len(made.shocks_ppm) == 16
    assert made.fallback == tail_range(fixings).fallback
    assert made.fallback is not None


def test_more_of_the_same_risk_never_costs_less() -> None:
    chance = Random(11)  # noqa: S311 - tests draw no secrets
    measures = market_on(TODAY)
    prices = [200 + 7 * rank for rank in range(10)]
    for _ in range(40):
        lots = [chance.choice([0, 1, -1]) * chance.randint(1, 10**6) for _ in range(10)]
        larger = [position * chance.randint(2, 9) for position in lots]
        rows = np.array([lots, [2 * position for position in lots], larger]).T
        holdings = [
            Holding(np.arange(3), row.copy(), price, made)
            for row, price, made in zip(rows, prices, measures, strict=True)
        ]
        requirement = worst_scenario(holdings, 3, settings={"scan_product_credit_ppm": 0})
        once, twice, _ = requirement.initial.tolist()
        assert once <= twice <= 2 * once
        assert min(requirement.initial.tolist()) >= 0
        for account, initial in zip(rows.T.tolist(), requirement.initial.tolist(), strict=True):
            values = [position * price for position, price in zip(account, prices, strict=True)]
            losses = [
                sum(
                    value * made.shocks_ppm[s] for value, made in zip(values, measures, strict=True)
                )
                for s in range(16)
            ]
            assert initial == -(-max(0, *losses) // PPM)
