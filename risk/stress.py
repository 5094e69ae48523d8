"""The stress run: losses over margin by member and scenario, exact to the cent (RULEBOOK §7).

In: the positions of the contracts that go on, what margin covers of each account, the member of
each account, the largest moves of each index. Out: by scenario the loss of each member; the groups
that lose. A loss is a float64 product where every sum that can come up is an integer below 2⁵³,
int64 below 2⁶³, Python ints beyond: each exact. What is beyond int64 is stated as int64's largest.
A naive twin revalues every account at the moved prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, as_index
from events.units import INT64_MAX, PPM, round_half_even
from risk.stress_scenarios import CurvePoint, Scenario, scenarios_of

# Bounds are float64 sums: half of the limit leaves room for their rounding.
_FLOAT_BOUND: Final = float(1 << 52)
_INT64_BOUND: Final = float(1 << 62)
# Accounts whose lots are laid out at once, with a row for each contract.
_ACCOUNTS_AT_ONCE: Final = 8_192
# OpenBLAS starts threads for more multiplications; beside other processes they wait for each other.
_ONE_THREAD: Final = 1 << 18

_Matrix = npt.NDArray[Any]


class StressHolding(NamedTuple):
    """The positions in a contract that goes on and has a price.

    rank: among those of its product that go on, 0 for the front. accounts, lots: columns of one
    length, by rising account number.
    """

    product: str
    rank: int
    price_ticks: int
    accounts: IntArray
    lots: IntArray


class ScenarioLoss(NamedTuple):
    """losses: over margin, (members,) cents, at most int64's largest."""

    scenario: str
    losses: IntArray


class _Block(NamedTuple):
    """Some accounts, ordered by member. lots: (C, accounts); codes: the member of each account."""

    lots: _Matrix
    covered: IntArray
    codes: IntArray


def stress_losses(
    holdings: Sequence[StressHolding],
    *,
    moves_ppm: Mapping[str, Sequence[int]],
    contracts: Mapping[str, int],
    covered: IntArray,
    member_of: IntArray,
    members: int,
) -> list[ScenarioLoss]:
    """The loss over margin of each member in every scenario, in the order of the rulebook.

    moves_ppm: the largest two-day moves of each product's index, rises first. The rest as in
    `losses_under`.
    """
    return losses_under(
        holdings,
        scenarios_of(moves_ppm),
        contracts=contracts,
        covered=covered,
        member_of=member_of,
        members=members,
    )


def losses_under(
    holdings: Sequence[StressHolding],
    scenarios: Sequence[Scenario],
    *,
    contracts: Mapping[str, int],
    covered: IntArray,
    member_of: IntArray,
    members: int,
) -> list[ScenarioLoss]:
    """The loss over margin of each member in each scenario: Σ max(0, loss − covered).

    contracts: by product how many go on, those without a price too, which have a rank and no
    holding. covered: by account, cents, min(initial, max(0, equity)). member_of: the code of each
    account's member, from 0 to members − 1; −1 for one that is left out.
    """
    changes = [_changes(holding, scenarios, contracts=contracts) for holding in holdings]
    # (S, C), + a gain of who is long; Python ints, as some may be beyond int64.
    matrix = np.array(changes, dtype=object).reshape(len(holdings), len(scenarios)).T
    losses = np.zeros((len(scenarios), members), dtype=np.int64)
    if holdings:
        for block in _blocks(holdings, covered=covered, member_of=member_of):
            _add_losses(losses, block, losses_of_lot=-matrix)
    return [
        ScenarioLoss(scenario.name, row) for scenario, row in zip(scenarios, losses, strict=True)
    ]


def change_ticks(price_ticks: int, move_ppm: int) -> int:
    """What a price changes by in a scenario: to the nearest tick, half even, never below 1 tick."""
    return max(1 - price_ticks, round_half_even(Fraction(price_ticks * move_ppm, PPM)))


def group_losses(loss: ScenarioLoss, groups: Sequence[str]) -> list[tuple[str, int]]:
    """The groups that lose, the largest loss first, equals by name. groups: by member code."""
    sums: dict[str, int] = {}
    for group, cents in zip(groups, loss.losses.tolist(), strict=True):
        if cents:
            sums[group] = min(INT64_MAX, sums.get(group, 0) + cents)
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def cover_of(losses: Sequence[tuple[str, int]]) -> int:
    """The two largest losses of groups together, at most int64's largest."""
    return min(INT64_MAX, sum(cents for _, cents in losses[:2]))


def _changes(
    holding: StressHolding, scenarios: Sequence[Scenario], *, contracts: Mapping[str, int]
) -> list[int]:
    point = CurvePoint(holding.product, holding.rank, contracts[holding.product])
    return [change_ticks(holding.price_ticks, scenario.move_ppm(point)) for scenario in scenarios]


def _blocks(
    holdings: Sequence[StressHolding], *, covered: IntArray, member_of: IntArray
) -> Iterator[_Block]:
    """All accounts, block by block, first those that are left out."""
    for first in range(0, len(covered), _ACCOUNTS_AT_ONCE):
        codes = member_of[first : first + _ACCOUNTS_AT_ONCE]
        lots = np.zeros((len(holdings), len(codes)), dtype=np.int64)
        for row, holding in zip(lots, holdings, strict=True):
            begin, end = np.searchsorted(holding.accounts, (first, first + len(codes)))
            row[as_index(holding.accounts[begin:end] - first)] = holding.lots[begin:end]
        # Codes of few bits are put in order by their digits, ten times as fast.
        order = np.argsort(codes.astype(np.min_scalar_type(-1 - int(codes.max()))), kind="stable")
        yield _Block(lots.take(order, axis=1), covered[first:].take(order), codes.take(order))


def _add_losses(losses: IntArray, block: _Block, *, losses_of_lot: _Matrix) -> None:
    """Add the losses of a block's accounts to those of their members, scenario by scenario.

    The kind of numbers is chosen by scenario: one absurd move leaves the others quick.
    """
    floats: _Matrix = block.lots.astype(np.float64)
    lots_sums = np.abs(floats).sum(axis=1)
    # Where nobody has lots a move may be beyond every kind.
    losses_of_lot = np.where(lots_sums > 0, losses_of_lot, 0)
    bounds = np.abs(losses_of_lot.astype(np.float64)) @ lots_sums
    is_float, is_int64 = bounds <= _FLOAT_BOUND, bounds <= _INT64_BOUND
    kinds: list[tuple[type, npt.NDArray[np.intp]]] = [
        (np.float64, np.flatnonzero(is_float)),
        (np.int64, np.flatnonzero(is_int64 & ~is_float)),
        # One by one: such a move is one of a product's own, and the other's need no Python ints.
        *((object, row) for row in np.argwhere(~is_int64)),
    ]
    for kind, rows in kinds:
        chosen: _Matrix = losses_of_lot[rows].astype(kind)
        if kind is object:
            contracts = np.flatnonzero(chosen[0] != 0)
            moved = block._replace(lots=block.lots[contracts])
            _add_as_kind(losses, moved, losses_of_lot=chosen[:, contracts], rows=rows)
        elif rows.size:
            moved = block._replace(lots=floats) if kind is np.float64 else block
            _add_as_kind(losses, moved, losses_of_lot=chosen, rows=rows)


def _add_as_kind(
    losses: IntArray, block: _Block, *, losses_of_lot: _Matrix, rows: npt.NDArray[np.intp]
) -> None:
    """Add the losses in the scenarios `rows`, as numbers of one kind that holds every sum."""
    kind = losses_of_lot.dtype
    lots: _Matrix = block.lots.astype(kind, copy=False)
    # As a float only what covers every loss of this kind is rounded, and still covers it.
    covered: _Matrix = block.covered.astype(kind)
    step = max(1, _ONE_THREAD // losses_of_lot.size)
    for first in range(0, len(block.codes), step):
        piece = slice(first, first + step)
        codes = block.codes[piece]
        # max(loss, covered) − covered, as loss − covered may leave int64.
        excess = losses_of_lot @ lots[:, piece]
        np.maximum(excess, covered[piece], out=excess)
        excess -= covered[piece]
        # The accounts of a member follow each other; before the first start lie those left out.
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        sums = np.add.reduceat(excess, starts, axis=1)
        if sums.dtype == object:
            sums = np.minimum(sums, INT64_MAX)
        index = np.ix_(rows, codes[starts])
        losses[index] = _saturated_sum(losses[index], sums.astype(np.int64))


def _saturated_sum(addend: IntArray, summand: IntArray) -> IntArray:
    """The sums of two arrays that are never below 0, at most int64's largest."""
    sums = addend + summand
    # A sum of two that wraps is below 0.
    sums[sums < 0] = INT64_MAX
    return sums
