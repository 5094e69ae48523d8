"""The largest two-day moves of an index over all its fixings, for the stress run (RULEBOOK §7).

In: fixings in micro-dollars, two days apart. Out: up to five rises and five falls in ppm, rounded
half to even, the largest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from events.units import INT64_MAX, PPM, round_half_even

MOVES_KEPT: Final = 5
DAYS_APART: Final = 2


@dataclass(slots=True)
class IndexMoves:
    """The largest moves so far. falls_ppm: below zero."""

    rises_ppm: list[int] = field(default_factory=list)
    falls_ppm: list[int] = field(default_factory=list)

    @property
    def all_ppm(self) -> tuple[int, ...]:
        """The rises, then the falls, each with the largest first."""
        return (*self.rises_ppm, *self.falls_ppm)

    def note(self, before_micros: int, after_micros: int) -> None:
        """Take up the move between two fixings that are two days apart; from zero there is none."""
        if before_micros == 0:
            return
        move_ppm = round_half_even(Fraction(after_micros * PPM, before_micros)) - PPM
        if move_ppm > 0:
            move_ppm = min(move_ppm, INT64_MAX)
            self.rises_ppm = sorted([*self.rises_ppm, move_ppm], reverse=True)[:MOVES_KEPT]
        elif move_ppm < 0:
            self.falls_ppm = sorted([*self.falls_ppm, move_ppm])[:MOVES_KEPT]
