"""`stress`: losses over margin of many accounts in many scenarios, against the bare int64 product.

losses: seconds of `losses_under` (layout, product, what margin covers, sums by member) against
lots (A, C) @ moves (C, S) of NumPy in int64, on the same numbers, by turns; the best of TRIES each,
in CPU seconds of one thread. wild: the same with one account in 10,000 that has 10⁹ lots and one
historical move of each product beyond int64. close: CPU seconds of a whole close in memory under
`paper`, facts encoded, of as many accounts in ten contracts, with ten moves of the index, against
the same without the fund's part. The losses of three members are checked against Python ints.
memory: what the run needed at its peak beyond what there was.
"""

from __future__ import annotations

import tracemalloc
from operator import mul
from pathlib import Path
from time import process_time
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from events.int64 import IntArray
from events.units import INT64_MAX
from risk.index_moves import IndexMoves
from risk.margin_models import PAPER
from risk.stress import ScenarioLoss, StressHolding, change_ticks, losses_under
from risk.stress_scenarios import CurvePoint, Scenario, parallel, scenarios_of
from tests.bench.close import close_by
from tests.bench.figure import Figure, line_of

TRIES: Final = 5
_CONTRACTS: Final = 10
_MEMBERS: Final = 100
_MEMORY_MAX_MB: Final = 200
_PRODUCTS: Final = ("SIT", "SCU")
_MOVES: Final = (412_345, 301_234, 250_000, 200_001, 99_999, -500_001, -400_000, -99, -9, -1)


def run(_: Path, *, accounts: int, scenarios: int) -> dict[str, Any]:
    """So many accounts with positions in twenty contracts, in so many scenarios."""
    rng = np.random.default_rng(12)
    lots = rng.integers(-1_000, 1_001, (accounts, _CONTRACTS * len(_PRODUCTS)))
    covered = rng.integers(0, 100_000, accounts)
    codes = rng.integers(-1, _MEMBERS, accounts)
    table = _scenarios(scenarios, [*_MOVES])
    bare, ours = [], []
    losses: list[ScenarioLoss] = []
    for _number in range(TRIES):
        bare.append(_bare_seconds(lots, table))
        seconds, losses = _seconds(lots, table, covered=covered, codes=codes)
        ours.append(seconds)
    _check(losses, lots, table, covered=covered, codes=codes)
    tracemalloc.start()
    _seconds(lots, table, covered=covered, codes=codes)
    memory_mb = tracemalloc.get_traced_memory()[1] / 1_000_000
    tracemalloc.stop()
    lots[::10_000, 0] = 10**9
    table = _scenarios(scenarios, [INT64_MAX, *_MOVES])
    wild, losses = _seconds(lots, table, covered=covered, codes=codes)
    _check(losses, lots, table, covered=covered, codes=codes)
    closed = close_by(PAPER, accounts, moves=IndexMoves([*_MOVES[:5]], [*_MOVES[5:]]))
    with patch("services.shards.member.cycle.work_fund"):
        without_fund = close_by(PAPER, accounts)
    figures = [
        Figure("losses", "s", min(ours), min(bare), 6, "at_most"),
        Figure("close", "s", closed, without_fund, 1.33, "at_most"),
        Figure("wild", "s", wild, min(bare), 20, "at_most"),
        Figure("memory", "MB", memory_mb, _MEMORY_MAX_MB, 1, "at_most"),
    ]
    return line_of("stress", figures, accounts=accounts, scenarios=scenarios)


def _scenarios(count: int, moves_ppm: list[int]) -> list[Scenario]:
    """The table and the historical ones, and parallel moves beyond them."""
    named = scenarios_of(dict.fromkeys(_PRODUCTS, moves_ppm))
    beyond = [
        Scenario(f"parallel_{move}", parallel(10_000 * move), "made up")
        for move in range(count - len(named))
    ]
    return [*named, *beyond][:count]


def _points() -> list[CurvePoint]:
    return [
        CurvePoint(product, rank, _CONTRACTS) for product in _PRODUCTS for rank in range(_CONTRACTS)
    ]


def _changes(table: list[Scenario]) -> list[list[int]]:
    """The change of each contract's price by scenario, in ticks: (C, S)."""
    return [
        [change_ticks(200 + point.rank, scenario.move_ppm(point)) for scenario in table]
        for point in _points()
    ]


def _bare_seconds(lots: IntArray, table: list[Scenario]) -> float:
    changes = np.array(_changes(table), dtype=np.int64)
    begun = process_time()
    lots @ changes
    return process_time() - begun


def _seconds(
    lots: IntArray, table: list[Scenario], *, covered: IntArray, codes: IntArray
) -> tuple[float, list[ScenarioLoss]]:
    numbers = np.arange(len(lots))
    columns = [column.copy() for column in lots.T]
    begun = process_time()
    losses = losses_under(
        [
            StressHolding(point.product, point.rank, 200 + point.rank, numbers, column)
            for point, column in zip(_points(), columns, strict=True)
        ],
        table,
        contracts=dict.fromkeys(_PRODUCTS, _CONTRACTS),
        covered=covered,
        member_of=codes,
        members=_MEMBERS,
    )
    return process_time() - begun, losses


def _check(
    losses: list[ScenarioLoss],
    lots: IntArray,
    table: list[Scenario],
    *,
    covered: IntArray,
    codes: IntArray,
) -> None:
    """Hold the losses of three members against Python ints."""
    changes = _changes(table)
    for member in (0, 1, _MEMBERS - 1):
        rows = np.flatnonzero(codes == member)
        margins = covered[rows].tolist()
        positions = lots[rows].tolist()
        for number, loss in enumerate(losses):
            ticks = [row[number] for row in changes]
            expected = sum(
                max(0, -sum(map(mul, position, ticks)) - margin)
                for position, margin in zip(positions, margins, strict=True)
            )
            assert loss.losses[member] == min(INT64_MAX, expected), (loss.scenario, member)
