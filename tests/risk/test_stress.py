"""The stress run (RULEBOOK §7): by hand, and against revaluation by settlement's own arithmetic.

The naive twin marks every position to the moved price with `Positions.variation`, the arithmetic of
daily settlement, and adds up Python ints account by account.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.units import INT64_MAX
from risk.stress import (
    ScenarioLoss,
    StressHolding,
    change_ticks,
    cover_of,
    group_losses,
    losses_under,
    stress_losses,
)
from risk.stress_scenarios import CurvePoint, Scenario, parallel, scenarios_of
from settlement.positions import Positions

Priced = tuple[str, int, int]
SIT: Priced = ("SIT", 0, 200)


def holdings_of(lots: Sequence[Sequence[int]], contracts: Sequence[Priced]) -> list[StressHolding]:
    """lots: a row for each account; positions of zero are left out."""
    matrix = np.array(lots, dtype=np.int64).reshape(len(lots), len(contracts))
    holdings = []
    for column, (product, rank, price) in zip(matrix.T, contracts, strict=True):
        accounts = np.flatnonzero(column).astype(np.int64)
        holdings.append(StressHolding(product, rank, price, accounts, column[accounts].copy()))
    return holdings


def counts_of(contracts: Sequence[Priced]) -> dict[str, int]:
    return {
        product: 1 + max(r for p, r, _ in contracts if p == product) for product, *_ in contracts
    }


def run(
    lots: Sequence[Sequence[int]],
    contracts: Sequence[Priced],
    *,
    covered: Sequence[int],
    member_of: Sequence[int],
    moves_ppm: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, list[int]]:
    """The losses of members by scenario."""
    losses = stress_losses(
        holdings_of(lots, contracts),
        moves_ppm=moves_ppm or {},
        contracts=counts_of(contracts),
        covered=np.array(covered, dtype=np.int64),
        member_of=np.array(member_of, dtype=np.int64),
        members=max(member_of, default=-1) + 1,
    )
    return {loss.scenario: loss.losses.tolist() for loss in losses}


def naive(
    lots: Sequence[Sequence[int]],
    contracts: Sequence[Priced],
    *,
    covered: Sequence[int],
    member_of: Sequence[int],
    moves_ppm: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, list[int]]:
    """Every position settled at the moved price."""
    losses = {}
    counts = counts_of(contracts)
    for scenario in scenarios_of(moves_ppm or {}):
        gains = [0] * len(lots)
        for index, (product, rank, price) in enumerate(contracts):
            move = scenario.move_ppm(CurvePoint(product, rank, counts[product]))
            moved = max(1, price + round_by_parity(price * move))
            settled = settled_at([row[index] for row in lots], price, moved=moved)
            gains = [*map(sum, zip(gains, settled, strict=True))]
        members = [0] * (max(member_of, default=-1) + 1)
        for gain, margin, member in zip(gains, covered, member_of, strict=True):
            if member >= 0:
                members[member] += max(0, -gain - margin)
        losses[scenario.name] = [min(INT64_MAX, cents) for cents in members]
    return losses


def settled_at(lots: Sequence[int], price: int, *, moved: int) -> list[int]:
    """What each position gets when the contract is settled at another price."""
    positions = Positions(array("q", lots), array("q", bytes(8 * len(lots))), None, price)
    if positions.can_mark(moved):
        return [*map(int, positions.variation(moved))]
    return [position * (moved - price) for position in lots]


def round_by_parity(micro_ticks: int) -> int:
    """Millionths of a tick to the nearest tick, of a half to the even one."""
    whole, part = divmod(micro_ticks, 10**6)
    return whole + (part > 500_000 or (part == 500_000 and whole % 2 == 1))


@pytest.mark.parametrize(
    ("price", "move_ppm", "expected"),
    [
        (200, 600_000, 120),
        (200, -600_000, -120),
        (2, 250_000, 0),  # half a tick to the even 0
        (6, 250_000, 2),  # 1.5 to the even 2
        (10, 250_000, 2),  # 2.5 to the even 2
        (3, -500_000, -2),  # −1.5 to the even −2
        (1, -500_000, 0),
        (1, -1_000_000, 0),  # never below 1 tick
        (200, -999_999, -199),
        (200, -(10**9), -199),
        (1, INT64_MAX, 9_223_372_036_855),  # 9223372036854.775807
    ],
)
def test_a_price_moves_to_the_nearest_tick_and_not_below_one(
    price: int, move_ppm: int, expected: int
) -> None:
    assert change_ticks(price, move_ppm) == expected


def test_cover_is_the_loss_of_the_two_largest_groups() -> None:
    """The market of the rulebook's example: front month at 200, the worst move 60 %, 120 ticks."""
    lots = [[1_000_000], [500_000], [250_000], [-1_000_000], [-750_000]]
    covered = [16_000_000, 5_000_000, 4_000_000, 16_000_000, 12_000_000]
    losses = run(lots, [SIT], covered=covered, member_of=range(5))
    assert losses["front_down_60"] == [104_000_000, 55_000_000, 26_000_000, 0, 0]
    assert losses["front_up_60"] == [0, 0, 0, 104_000_000, 78_000_000]
    down = ScenarioLoss("down", np.array(losses["front_down_60"]))
    up = ScenarioLoss("up", np.array(losses["front_up_60"]))
    assert cover_of(group_losses(down, ["A", "B", "C", "D", "E"])) == 159_000_000
    assert cover_of(group_losses(up, ["A", "B", "C", "D", "E"])) == 182_000_000
    affiliated = group_losses(down, ["G", "B", "G", "D", "E"])
    assert affiliated == [("G", 130_000_000), ("B", 55_000_000)]


def test_no_gain_of_one_account_helps_another() -> None:
    # Up 25 %: 50 ticks; the house loses 500, its customer gains 500.
    losses = run([[-10], [10]], [SIT], covered=[100, 0], member_of=[0, 0])
    assert losses["parallel_up_25"] == [400]
    assert losses["parallel_down_25"] == [500]


def test_contracts_of_an_account_offset() -> None:
    # Twist: front +60, second −63: long the second, short the front loses on both legs.
    losses = run([[-10, 10]], [SIT, ("SIT", 1, 210)], covered=[30], member_of=[0])
    assert losses["twist"] == [600 + 630 - 30]
    assert losses["twist_reverse"] == [0]
    # Up 25 %: −500 + 520 (52.5 to the even 52).
    assert losses["parallel_up_25"] == [0]
    # 2.5 % of nothing: −500 + 520 on the way down.
    assert losses["parallel_down_25"] == [0]


def test_a_contract_without_a_price_still_makes_the_curve_longer() -> None:
    holding = StressHolding("SIT", 1, 200, np.array([0]), np.array([-10]))
    losses = stress_losses(
        [holding],
        moves_ppm={},
        contracts={"SIT": 3},
        covered=np.array([0]),
        member_of=np.array([0]),
        members=1,
    )
    # The middle one of three: it does not turn with the curve.
    assert {loss.scenario: loss.losses.tolist() for loss in losses}["twist"] == [0]


def test_accounts_of_defaulted_members_are_left_out() -> None:
    losses = run([[10], [10], [-10]], [SIT], covered=[0, 0, 0], member_of=[-1, 0, -1])
    assert losses["parallel_down_25"] == [500]
    assert losses["parallel_up_25"] == [0]


def test_a_historical_move_leaves_the_contracts_of_other_products() -> None:
    contracts = [SIT, ("SCU", 0, 300)]
    moves = {"SIT": [100_000, -50_000], "SCU": [-200_000]}
    losses = run([[10, 10]], contracts, covered=[1], member_of=[0], moves_ppm=moves)
    assert list(losses)[-3:] == ["SCU_fall_1", "SIT_rise_1", "SIT_fall_1"]
    assert [losses[name] for name in list(losses)[-3:]] == [[599], [0], [99]]


@pytest.mark.parametrize(
    ("lots", "price", "move_ppm"),
    [(1_000, 200, INT64_MAX), (2**62, 1, 2_000_000), (-(2**62), 3, -900_000), (3, 2**62, 10**6)],
)
def test_what_is_beyond_int64_is_stated_as_its_largest(
    lots: int, price: int, move_ppm: int
) -> None:
    rows = [[-abs(lots)], [abs(lots)], [-1]]
    contracts = [("SIT", 0, price)]
    moves = {"SIT": [move_ppm]}
    covered = [7, INT64_MAX, 0]
    member_of = [0, 1, 0]
    losses = run(rows, contracts, covered=covered, member_of=member_of, moves_ppm=moves)
    expected = naive(rows, contracts, covered=covered, member_of=member_of, moves_ppm=moves)
    assert losses == expected


def test_a_move_beyond_int64_of_a_contract_that_nobody_holds_harms_nothing() -> None:
    # 1,000 lots lose 200 · (2⁶³ − 1) / 10⁶ ticks each, rounded: 1,844,674,407,370,955 cents.
    contracts = [SIT, ("SIT", 1, 2**40)]
    moves = {"SIT": [INT64_MAX]}
    losses = run([[-1_000, 0]], contracts, covered=[0], member_of=[0], moves_ppm=moves)
    assert losses["SIT_rise_1"] == [1_844_674_407_370_955_000]


def test_margin_beyond_what_a_float_holds_covers_all() -> None:
    losses = run([[-10], [-1]], [SIT], covered=[INT64_MAX, 49], member_of=[0, 0])
    assert losses["parallel_up_25"] == [1]


def test_members_sums_beyond_int64_are_its_largest_in_whatever_blocks_they_come() -> None:
    lots = [[-(2**55)]] * 20_000
    losses = run(lots, [SIT], covered=[0] * 20_000, member_of=[0] * 20_000)
    assert losses["parallel_up_25"] == [INT64_MAX]


def test_groups_are_ordered_by_loss_and_equals_by_name() -> None:
    loss = ScenarioLoss("s", np.array([5, 0, 7, 5, 0]))
    assert group_losses(loss, ["d", "c", "b", "a", "e"]) == [("b", 7), ("a", 5), ("d", 5)]
    assert group_losses(loss, ["g", "g", "b", "a", "g"]) == [("b", 7), ("a", 5), ("g", 5)]


def test_sums_of_groups_and_the_cover_are_at_most_int64s_largest() -> None:
    loss = ScenarioLoss("s", np.array([INT64_MAX, 1, INT64_MAX]))
    groups = group_losses(loss, ["a", "a", "b"])
    assert groups == [("a", INT64_MAX), ("b", INT64_MAX)]
    assert cover_of(groups) == INT64_MAX
    assert (cover_of([]), cover_of([("a", 3)]), cover_of([("a", 3), ("b", 2), ("c", 1)])) == (
        0,
        3,
        5,
    )


def test_without_positions_nobody_loses() -> None:
    assert set(map(tuple, run([], [], covered=[], member_of=[]).values())) == {()}
    losses = run([[], []], [], covered=[0, 0], member_of=[0, 1])
    assert set(map(tuple, losses.values())) == {(0, 0)}
    assert run([[0]], [SIT], covered=[0], member_of=[0])["parallel_up_25"] == [0]


@pytest.mark.parametrize("size", [10**3, 10**9, 10**13, 10**17])
def test_many_accounts_agree_with_their_revaluation(size: int) -> None:
    random = Random(size)  # noqa: S311 - tests draw no secrets
    contracts = [SIT, ("SIT", 1, 211), ("SCU", 0, 350), ("SCU", 2, 3)]
    accounts = 8_300
    lots = [
        [random.randint(-9, 9) * random.choice((0, 1)) for _ in contracts] for _ in range(accounts)
    ]
    for row in lots[:: accounts // 50]:
        row[random.randrange(4)] = random.randint(-size, size)
    covered = [random.choice((0, 500, INT64_MAX, size)) for _ in range(accounts)]
    member_of = [random.randint(-1, 30) for _ in range(accounts)]
    moves = {"SIT": [321_321, -77_777], "SCU": [size * 7, -1_000_001]}
    asked = {"covered": covered, "member_of": member_of}
    losses = run(lots, contracts, moves_ppm=moves, **asked)
    assert losses == naive(lots, contracts, moves_ppm=moves, **asked)


LOTS = st.one_of(st.integers(-100, 100), st.integers(-(2**61), 2**61))
PORTFOLIOS = st.lists(
    st.tuples(LOTS, LOTS, LOTS, st.integers(0, 10**5), st.integers(-1, 3)), min_size=1, max_size=8
)
MOVES = st.lists(st.one_of(st.integers(-(10**6), 10**6), st.integers(1, INT64_MAX)), max_size=3)
CURVES = [SIT, ("SIT", 3, 7), ("SCU", 0, 350)]


@given(portfolios=PORTFOLIOS, sit=MOVES, scu=MOVES)
@example(portfolios=[(2**62, -(2**62), 1, 0, 0)], sit=[INT64_MAX], scu=[])
def test_any_portfolios_agree_with_their_revaluation(
    portfolios: list[tuple[int, int, int, int, int]], sit: list[int], scu: list[int]
) -> None:
    lots = [row[:3] for row in portfolios]
    covered, member_of = [row[3] for row in portfolios], [row[4] for row in portfolios]
    moves = {"SIT": sit, "SCU": scu}
    losses = run(lots, CURVES, covered=covered, member_of=member_of, moves_ppm=moves)
    assert losses == naive(lots, CURVES, covered=covered, member_of=member_of, moves_ppm=moves)


@given(portfolios=PORTFOLIOS, doubled=st.integers(0, 7))
def test_cover_never_falls_when_a_portfolio_is_doubled_on_the_same_collateral(
    portfolios: list[tuple[int, int, int, int, int]], doubled: int
) -> None:
    lots = [[*row[:3]] for row in portfolios]
    covered, member_of = [row[3] for row in portfolios], [row[4] for row in portfolios]
    before = run(lots, CURVES, covered=covered, member_of=member_of)
    lots[doubled % len(lots)] = [2 * position for position in lots[doubled % len(lots)]]
    after = run(lots, CURVES, covered=covered, member_of=member_of)
    assert worst_cover(after) >= worst_cover(before)


def worst_cover(losses: Mapping[str, list[int]]) -> int:
    return max(cover_of([("", cents) for cents in sorted(row)[::-1]]) for row in losses.values())


def test_a_run_of_chosen_scenarios_takes_only_them() -> None:
    scenario = Scenario("parallel_down_3", parallel(-30_000), "a test's")
    losses = losses_under(
        holdings_of([[10]], [SIT]),
        [scenario],
        contracts={"SIT": 1},
        covered=np.array([20]),
        member_of=np.array([0]),
        members=1,
    )
    assert [(loss.scenario, loss.losses.tolist()) for loss in losses] == [("parallel_down_3", [40])]
