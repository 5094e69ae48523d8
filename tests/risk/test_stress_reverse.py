"""The least parallel move that exhausts an amount: by hand, and against trying every move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from risk import stress_reverse
from risk.stress import ScenarioLoss, StressHolding, change_ticks, cover_of, group_losses
from risk.stress_reverse import FALL_MAX_PPM, RISE_MAX_PPM, Stressed, least_move


def stressed(
    lots: Sequence[Sequence[int]], prices: Sequence[int], covered: Sequence[int]
) -> Stressed:
    """Accounts of members of their own; all contracts are of one product."""
    numbers = np.arange(len(lots))
    columns = np.array(lots, dtype=np.int64).reshape(len(lots), len(prices)).T
    holdings = [
        StressHolding("SIT", rank, price, numbers, column)
        for rank, (price, column) in enumerate(zip(prices, columns, strict=True))
    ]
    return Stressed(holdings, np.array(covered, dtype=np.int64), numbers, len(lots))


def two_largest(loss: ScenarioLoss) -> int:
    return cover_of(group_losses(loss, [f"m{code}" for code in range(len(loss.losses))]))


def least(
    lots: Sequence[Sequence[int]],
    prices: Sequence[int],
    covered: Sequence[int],
    *,
    amount: int,
    is_up: bool,
) -> int | None:
    chosen = stressed(lots, prices, covered)
    return least_move(chosen, two_largest, amount_cents=amount, is_up=is_up)


def cover_at(
    move_ppm: int, lots: Sequence[Sequence[int]], prices: Sequence[int], covered: Sequence[int]
) -> int:
    """The cover of a parallel move, in Python ints, account by account."""
    losses = []
    for row, margin in zip(lots, covered, strict=True):
        gain = sum(
            position * change_ticks(price, move_ppm)
            for position, price in zip(row, prices, strict=True)
        )
        losses.append(max(0, -gain - margin))
    return sum(sorted(losses)[-2:])


def test_the_least_fall_is_that_of_the_tick_that_exhausts() -> None:
    # 100 long at 200, margin covers 1,600: an amount of 400 is lost with 20 ticks. A fall of 9.75 %
    # is 19.5 ticks, half even 20; one ppm less is 19.
    lots, covered = [[100], [-100]], [1_600, 1_600]
    assert least(lots, [200], covered, amount=400, is_up=False) == -97_500
    # 21 ticks: beyond 20.5, half even 20.
    assert least(lots, [200], covered, amount=401, is_up=False) == -102_501
    assert least(lots, [200], covered, amount=400, is_up=True) == 97_500


def test_the_two_largest_groups_count() -> None:
    # 10 a tick each, of three: 20 a tick of two, 100 ticks for 2,000; 99.5 ticks are an even 100.
    lots, covered = [[-10], [-10], [-10], [30]], [0, 0, 0, 0]
    assert least(lots, [1_000], covered, amount=2_000, is_up=True) == 99_500


def test_a_fall_takes_at_most_all_but_a_tick() -> None:
    assert least([[10], [-10]], [200], [0, 0], amount=1_990, is_up=False) == -992_501
    assert least([[10], [-10]], [200], [0, 0], amount=1_991, is_up=False) is None


def test_a_rise_is_looked_for_up_to_its_bound() -> None:
    ticks = 200 * RISE_MAX_PPM // 10**6
    assert least([[-1], [1]], [200], [0, 0], amount=ticks, is_up=True) == RISE_MAX_PPM - 2_500
    assert least([[-1], [1]], [200], [0, 0], amount=ticks + 1, is_up=True) is None


def test_a_spread_loses_on_a_small_move_and_not_on_a_larger_one() -> None:
    # Long at 100, short at 101. Up 0.4951 % is 0.4951 ticks of the first, none, and 0.500051 of the
    # second, one: the spread loses 100. Up 0.5001 % is a tick of both: it loses nothing.
    lots, prices, covered = [[100, -100]], [100, 101], [0]
    moves = (4_950, 4_951, 5_000, 5_001, 10_000)
    assert [cover_at(move, lots, prices, covered) for move in moves] == [0, 100, 100, 0, 0]
    assert least(lots, prices, covered, amount=100, is_up=True) == 4_951


def test_accounts_that_are_left_out_exhaust_nothing() -> None:
    chosen = stressed([[-10]], [200], [0])
    chosen = chosen._replace(member_of=np.array([-1]))
    assert least_move(chosen, two_largest, amount_cents=1, is_up=True) is None


def test_without_positions_there_is_no_move() -> None:
    assert least([], [], [], amount=1, is_up=True) is None
    assert least([[0]], [200], [0], amount=1, is_up=False) is None


POSITIONS = st.integers(-20, 20)
ROWS = st.lists(st.tuples(POSITIONS, POSITIONS, POSITIONS, st.integers(0, 100)), max_size=4)


@settings(max_examples=50)
@given(
    rows=ROWS,
    prices=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30)),
    amount=st.integers(1, 200),
    is_up=st.booleans(),
)
@example(rows=[(20, -20, 0, 0)], prices=(8, 9, 1), amount=20, is_up=True)
@example(rows=[(0, 0, 0, 0)], prices=(8, 9, 1), amount=20, is_up=True)
def test_no_lesser_move_exhausts(
    rows: list[tuple[int, int, int, int]],
    prices: tuple[int, int, int],
    amount: int,
    is_up: bool,  # noqa: FBT001 - Hypothesis calls by name
) -> None:
    """Every move at which some price changes is tried; in between nothing does."""
    lots, covered = [row[:3] for row in rows], [row[3] for row in rows]
    answer = least(lots, prices, covered, amount=amount, is_up=is_up)
    sign, most = (1, RISE_MAX_PPM) if is_up else (-1, FALL_MAX_PPM)
    steps = {
        half_ppm + near
        for price in prices
        for half in range(1, 2 * price * most // 10**6 + 1, 2)
        for half_ppm in [half * 500_000 // price]
        for near in (0, 1)
    }
    sizes = sorted(size for size in steps | {most} if 1 <= size <= most)
    exhausting = (size for size in sizes if cover_at(sign * size, lots, prices, covered) >= amount)
    size = next(exhausting, None)
    assert answer == (None if size is None else sign * size)


@pytest.mark.parametrize("ranges", [2, 3, 1_000])
def test_the_number_of_ranges_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch, ranges: int
) -> None:
    monkeypatch.setattr(stress_reverse, "_RANGES", ranges)
    assert least([[100], [-100]], [200], [1_600, 0], amount=400, is_up=False) == -97_500
