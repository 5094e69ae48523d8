"""The least parallel move whose stress loss reaches an amount, exact to the ppm (RULEBOOK §7).

In: the positions, what margin covers, an amount. Out: the least move, or none. Prices move in whole
ticks and none falls below one, so what an account with both sides loses need not grow with a move,
and a bisection on the loss alone could pass by the least one. Here each position counts with its
worst end of a range of moves, which bounds every loss in the range from above: ranges whose bound
is below the amount are left out, the others divided again. Of one move the bound is the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from events.int64 import IntArray
from events.units import PPM
from risk.stress import ScenarioLoss, StressHolding, losses_under
from risk.stress_scenarios import Scenario, by_product

# A price cannot fall by more than all of it; eleven times the price is beyond any move of an index.
FALL_MAX_PPM: Final = PPM
RISE_MAX_PPM: Final = 10 * PPM
# So many ranges are looked at together: one pass over the accounts serves them all.
_RANGES: Final = 16
_LONG: Final = "long"
_SHORT: Final = "short"
_WHY: Final = "every move of a range, each position at its worst end"

# The cover of a scenario's losses.
Cover: TypeAlias = Callable[[ScenarioLoss], int]


class Stressed(NamedTuple):
    """Whose losses count. Fields as of `losses_under`."""

    holdings: Sequence[StressHolding]
    covered: IntArray
    member_of: IntArray
    members: int


class _Range(NamedTuple):
    """Sizes of a move in ppm, both ends included."""

    least: int
    most: int

    @property
    def is_one(self) -> bool:
        return self.least == self.most

    def parts(self) -> list[_Range]:
        """The same sizes in up to so many ranges, the least first."""
        step = -(-(self.most - self.least + 1) // _RANGES)
        return [
            _Range(first, min(first + step - 1, self.most))
            for first in range(self.least, self.most + 1, step)
        ]


def least_move(stressed: Stressed, cover: Cover, *, amount_cents: int, is_up: bool) -> int | None:
    """The least parallel move, in ppm, − for a fall, whose cover is at least an amount above 0.

    None where no move does, up to RISE_MAX_PPM or FALL_MAX_PPM. cover: never less for larger
    losses.
    """
    sides = stressed._replace(holdings=_sides(stressed.holdings))
    sign = 1 if is_up else -1
    waiting = [_Range(1, RISE_MAX_PPM if is_up else FALL_MAX_PPM)]
    while waiting:
        first = waiting.pop()
        if first.is_one:
            return sign * first.least
        parts = first.parts()
        bounds = map(cover, _worst_losses(sides, parts, sign=sign))
        reaching = [
            part for part, cents in zip(parts, bounds, strict=True) if cents >= amount_cents
        ]
        waiting += reversed(reaching)
    return None


def _sides(holdings: Sequence[StressHolding]) -> list[StressHolding]:
    """The long and the short positions of each contract apart, as if of two products."""
    return [
        StressHolding(side, 0, holding.price_ticks, holding.accounts[chosen], holding.lots[chosen])
        for holding in holdings
        for side, chosen in (
            (_LONG, np.flatnonzero(holding.lots > 0)),
            (_SHORT, np.flatnonzero(holding.lots < 0)),
        )
    ]


def _worst_losses(sides: Stressed, ranges: Sequence[_Range], *, sign: int) -> list[ScenarioLoss]:
    """For each range no less than the loss of any of its moves: who is long loses by the lowest."""
    scenarios = []
    for sizes in ranges:
        lowest, highest = sorted((sign * sizes.least, sign * sizes.most))
        moves = by_product(**{_LONG: lowest, _SHORT: highest})
        scenarios.append(Scenario(f"{lowest}_to_{highest}", moves, _WHY))
    return losses_under(
        sides.holdings,
        scenarios,
        contracts={_LONG: 1, _SHORT: 1},
        covered=sides.covered,
        member_of=sides.member_of,
        members=sides.members,
    )
