"""Positions that offset under a model of scenarios (RULEBOOK §5): by hand, and by naive twins.

The twin revalues every scenario of one account in Python ints and sorts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.margin import ALONE, RATE, Holding, Measure, Requirement, rate
from risk.portfolio import tail_mean, worst_scenario

NO_CREDIT = {"scan_product_credit_ppm": 0}
WAYS: list[tuple[Callable[..., Requirement], dict[str, int], int | None]] = [
    (worst_scenario, NO_CREDIT, None),
    (tail_mean, {}, 100),
]


class Listed(NamedTuple):
    """A contract: price of a lot in cents, axis, losses by scenario."""

    price: int | None
    axis: str
    shocks: tuple[int, ...]
    product: str = "SIT"


def holdings_of(lots: Sequence[Sequence[int]], contracts: Sequence[Listed]) -> list[Holding]:
    """lots: a row for each account; positions of zero are left out."""
    matrix = np.array(lots, dtype=np.int64).reshape(len(lots), len(contracts))
    holdings = []
    for column, contract in zip(matrix.T, contracts, strict=True):
        accounts = np.flatnonzero(column).astype(np.int64)
        measure = Measure(contract.axis, contract.shocks)
        positions = column[accounts].copy()
        holdings.append(Holding(accounts, positions, contract.price, measure, contract.product))
    return holdings


def worst(
    lots: Sequence[Sequence[int]], contracts: Sequence[Listed], credit_ppm: int = 0
) -> Requirement:
    settings = {"scan_product_credit_ppm": credit_ppm}
    return worst_scenario(holdings_of(lots, contracts), len(lots), settings=settings)


def naive(lots: Sequence[int], contracts: Sequence[Listed], tail: int | None) -> int:
    """The initial margin of one account: each scenario in full, the worst first."""
    axes: dict[str, list[tuple[int, Listed]]] = {}
    for number, (position, contract) in enumerate(zip(lots, contracts, strict=True)):
        axis = f"{RATE}{number}" if contract.axis == RATE else contract.axis
        axes.setdefault(axis, []).append((position, contract))
    cents = 0
    for axis, group in axes.items():
        losses = [
            sum(
                (abs(position) if axis.startswith(RATE) else position) * (price or 0) * shocks[s]
                for position, (price, _, shocks, _) in group
            )
            for s in range(len(group[0][1].shocks))
        ]
        count = 1 if tail is None else ceil(Fraction(len(losses), tail))
        cents += max(0, ceil(Fraction(sum(sorted(losses)[-count:]), count * 10**6)))
    return cents


AXIS = "scan/16/SIT"
FRONT = Listed(200, AXIS, (300_000, -400_000, 300_000, -400_000))
SECOND = Listed(220, AXIS, (300_000, -400_000, 210_000, -280_000))


def test_a_single_position_is_asked_the_loss_of_its_side() -> None:
    requirement = worst([[1000, 0], [-1000, 0], [0, 7]], [FRONT, SECOND])
    assert requirement.initial.tolist() == [60_000, 80_000, 462]


def test_a_calendar_spread_is_asked_its_worst_scenario_and_credited_with_the_rest() -> None:
    # 10 front long, 10 second short. Down: 600 - 660 < 0; up: -800 + 880 = 80; front alone down:
    # 600 - 462 = 138; front alone up: -800 + 616. Parts: 600 and 880.
    requirement = worst([[10, -10]], [FRONT, SECOND])
    assert [part.tolist() for part in requirement.parts] == [[600], [880]]
    assert requirement.initial.tolist() == [138]
    assert requirement.credit is not None
    assert requirement.credit.tolist() == [1_342]


def test_the_worst_of_an_axis_is_rounded_up_once() -> None:
    # 3 · 0.3 + 3 · 0.3 cents = 1.8 cents; the parts are 1 cent each.
    contracts = [Listed(3, AXIS, (300_000,)), Listed(3, AXIS, (300_000,))]
    requirement = worst([[1, 1]], contracts)
    assert ([part.tolist() for part in requirement.parts], requirement.initial.tolist()) == (
        [[1], [1]],
        [2],
    )


def test_contracts_of_different_axes_offset_nothing() -> None:
    contracts = [FRONT, SECOND._replace(axis=f"{ALONE}SIT"), FRONT._replace(axis=RATE, shocks=(1,))]
    requirement = worst([[10, -10, 0]], contracts)
    assert requirement.initial.tolist() == [600 + 880]


def test_a_rate_among_scenarios_asks_the_same_of_both_sides() -> None:
    rates = [Listed(200, RATE, (80_000,)), Listed(200, RATE, (80_000,))]
    assert worst([[100, -100]], rates).initial.tolist() == [3_200]


def test_a_contract_without_a_price_asks_nothing() -> None:
    assert worst([[5, -5]], [FRONT._replace(price=None), SECOND]).initial.tolist() == [440]
    nothing = tail_mean(holdings_of([[5]], [FRONT._replace(price=None)]), 1, settings={})
    assert nothing.initial.tolist() == [0]


def test_the_tail_of_200_scenarios_is_the_mean_of_the_two_worst() -> None:
    # Long: (900,001 + 500,000)/2 of 100 cents = 70.00005 -> 71; short: (100,000 + 0)/2 -> 5.
    shocks = (900_001, 500_000, -100_000) + (0,) * 197
    other = (0, 500_000, -100_000) + (0,) * 197
    contracts = [Listed(100, "es", shocks), Listed(100, "es", other)]
    lots = [[1, 0], [-1, 0], [1, -1]]
    requirement = tail_mean(holdings_of(lots, contracts), 3, settings={})
    # Long one and short the other: 900,001 and 0, mean 45.00005.
    assert requirement.initial.tolist() == [71, 5, 46]


LOTS = st.one_of(
    st.integers(-(10**9), 10**9), st.integers(-3, 3), st.sampled_from([2**62, -(10**15), 10**12])
)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[list[int]], list[Listed]]:
    """Up to four accounts in up to four contracts of at most two axes and a rate."""
    size = draw(st.sampled_from([1, 3, 16, 250]))
    chance = Random(draw(st.integers(0, 2**32)))  # noqa: S311 - tests draw no secrets
    contracts = []
    for axis in draw(st.lists(st.sampled_from(["a", "b", RATE]), min_size=1, max_size=4)):
        count = 1 if axis == RATE else size
        shocks = tuple(chance.randint(0 if axis == RATE else -(10**6), 10**6) for _ in range(count))
        price = draw(st.sampled_from([None, 1, 207, 10**9, 10**13]))
        contracts.append(Listed(price, axis, shocks))
    row = st.lists(LOTS, min_size=len(contracts), max_size=len(contracts))
    return draw(st.lists(row, min_size=1, max_size=4)), contracts


@pytest.mark.parametrize(("way", "settings", "tail"), WAYS)
@given(market=markets())
@example(market=([[2**62, -(2**62)]], [Listed(1, "a", (10**6, 1)), Listed(1, "a", (10**6, 2))]))
def test_every_scenario_in_whole_integers_gives_the_same_cents(
    market: tuple[list[list[int]], list[Listed]],
    way: Callable[..., Requirement],
    settings: Mapping[str, int],
    tail: int | None,
) -> None:
    lots, contracts = market
    alone = [[naive([p], [c], tail) for p, c in zip(row, contracts, strict=True)] for row in lots]
    if max(map(sum, alone)) > 2**63 - 1:
        with pytest.raises((OverflowError, AssertionError), match="beyond int64"):
            way(holdings_of(lots, contracts), len(lots), settings=settings)
        return
    requirement = way(holdings_of(lots, contracts), len(lots), settings=settings)
    expected = [naive(row, contracts, tail) for row in lots]
    assert requirement.initial.tolist() == expected
    assert requirement.credit is not None
    totals = [sum(row) for row in alone]
    assert requirement.credit.tolist() == [
        total - initial for total, initial in zip(totals, expected, strict=True)
    ]
    assert min(requirement.credit.tolist()) >= 0
    summed = np.zeros(len(lots), dtype=object)
    for part, holding in zip(requirement.parts, holdings_of(lots, contracts), strict=True):
        summed[holding.accounts] += part.astype(object)
    assert summed.tolist() == totals


@pytest.mark.parametrize(("way", "settings"), [way[:2] for way in WAYS])
@given(market=markets(), factor=st.integers(2, 5))
def test_a_merged_account_is_not_asked_more_and_a_multiple_the_multiple(
    market: tuple[list[list[int]], list[Listed]],
    way: Callable[..., Requirement],
    settings: Mapping[str, int],
    factor: int,
) -> None:
    lots = [[max(-(10**6), min(10**6, position)) for position in row] for row in market[0]]
    contracts = [
        contract._replace(price=min(contract.price or 10, 10**6)) for contract in market[1]
    ]
    columns = [c for c, contract in enumerate(contracts) if contract.axis == "a"]
    axis = [contracts[c] for c in columns]
    rows = [[row[c] for c in columns] for row in lots]
    merged = [sum(row[c] for row in rows) for c in range(len(axis))]
    scaled = [[factor * position for position in row] for row in rows]
    asked = way(holdings_of(rows, axis), len(rows), settings=settings).initial.tolist()
    together = way(holdings_of([merged], axis), 1, settings=settings).initial.tolist()
    larger = way(holdings_of(scaled, axis), len(rows), settings=settings).initial.tolist()
    assert together[0] <= sum(asked)
    assert all(
        factor * (cents - 1) <= more <= factor * cents
        for cents, more in zip(asked, larger, strict=True)
    )


@pytest.mark.parametrize(("way", "settings", "tail"), WAYS)
def test_one_account_is_asked_what_it_is_asked_among_thousands(
    way: Callable[..., Requirement], settings: Mapping[str, int], tail: int | None
) -> None:
    rng = np.random.default_rng(11)
    shocks = rng.integers(-900_000, 900_000, (3, 400))
    contracts = [Listed(200 + c, AXIS, tuple(row.tolist())) for c, row in enumerate(shocks)]
    lots = rng.integers(-5_000, 5_000, (9_000, 3))
    lots[::7] = 0
    lots[5::1_000, 1] = 10**9
    lots[6::3_000, 2] = 10**14
    requirement = way(holdings_of(lots.tolist(), contracts), len(lots), settings=settings)
    backwards = way(holdings_of(lots[::-1].tolist(), contracts), len(lots), settings=settings)
    assert backwards.initial[::-1].tolist() == requirement.initial.tolist()
    for number in [0, 5, 6, 7, 1_005, 3_006, *range(8_180, 8_200), 8_999]:
        row = lots[number].tolist()
        single = way(holdings_of([row], contracts), 1, settings=settings).initial.tolist()
        assert single == [naive(row, contracts, tail)] == [requirement.initial[number]]


SIT = Listed(100, "scan/16/SIT", (200_000, -300_000))
SCU = Listed(100, "scan/16/SCU", (200_000, -300_000), "SCU")


@pytest.mark.parametrize(
    ("lots", "initial"),
    [
        # SIT long 100: 2,000, direction 100 · 100 · 25 % = 2,500; SCU short 40: 1,200, direction
        # 1,000. 30 % of min(2,000, 1,000) = 300.
        ([100, -40], 2_900),
        ([-40, 100], 2_900),
        # One direction, or one product: no credit.
        ([100, 40], 2_800),
        ([100, 0], 2_000),
    ],
)
def test_products_of_opposite_directions_are_credited(lots: list[int], initial: int) -> None:
    assert worst([lots], [SIT, SCU], 300_000).initial.tolist() == [initial]


def test_a_contract_in_its_last_sessions_gets_no_credit() -> None:
    expiring = SIT._replace(axis=f"{ALONE}SIT/2026-06-17")
    assert worst([[100, -40]], [expiring, SCU], 300_000).initial.tolist() == [3_200]


def test_the_credit_is_no_step_where_the_direction_turns() -> None:
    second = SIT._replace(shocks=(100_000, -300_000))
    asked = [
        int(worst([[100, -100 + lots, 50]], [SIT, second, SCU], 1_000_000).initial[0])
        for lots in range(-30, 31)
    ]
    steps = [abs(after - before) for before, after in pairwise(asked)]
    assert max(steps) <= 60


@given(
    st.integers(-(10**12), 10**12),
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_no_credit_asks_less_than_the_larger_side_and_more_lots_never_cost_less(
    sit: int, scu: int, credit_ppm: int, lots: int
) -> None:
    asked = worst([[sit, scu]], [SIT, SCU], credit_ppm)
    alone = worst([[sit, 0], [0, scu]], [SIT, SCU], credit_ppm).initial.tolist()
    # A direction is lots · 100 cents · 25 %.
    directions = [abs(sit) * 25, abs(scu) * 25]
    smaller = min(*alone, *directions) if sit * scu < 0 else 0
    reference = sum(alone) - floor(Fraction(credit_ppm * smaller, 10**6))
    assert asked.initial.tolist() == [reference]
    assert reference >= max(alone)
    grown = sit + lots if sit >= 0 else sit - lots
    assert worst([[grown, scu]], [SIT, SCU], credit_ppm).initial.tolist()[0] >= reference


def test_the_largest_credit_is_within_int64() -> None:
    large = worst([[2**53, -(2**53)]], [SIT, SCU], 1_000_000)
    assert large.initial.tolist() == [2**53 * 30]


def test_no_accounts_and_no_contracts_ask_nothing() -> None:
    assert worst_scenario([], 2, settings=NO_CREDIT).initial.tolist() == [0, 0]
    assert tail_mean(holdings_of([], [FRONT, SECOND]), 0, settings={}).initial.tolist() == []


def test_a_sum_beyond_int64_breaks_a_law() -> None:
    rates = [Holding(np.array([0]), np.array([2**62]), 1, rate(10**6)) for _ in range(2)]
    with pytest.raises(OverflowError, match="is beyond int64"):
        worst_scenario(rates, 1, settings=NO_CREDIT)
