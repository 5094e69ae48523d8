"""What a model asks of a position of each side by itself, in ppm of its price (RULEBOOK §5).

In: a model and a measure of it. Out: two rates. For back-tests and the daily review: whatever the
model, it is what the clearinghouse asks through the model's own `require`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from events.units import PPM
from risk.margin import Holding, MarginModel, Measure

_LONG, _SHORT = 0, 1
# A lot at a price of a million cents: a cent of its margin is a ppm.
_LOTS: Final = np.array([1, -1])


class RatesBySide(NamedTuple):
    """The rates of a long and of a short position, in ppm of the price."""

    long_ppm: int
    short_ppm: int

    def are_exceeded(self, before: int, after: int) -> bool:
        """Whether a move from a price to another is a loss of a side beyond its rate."""
        move = PPM * (after - before)
        return -move > self.long_ppm * before or move > self.short_ppm * before


def side_rates(model: MarginModel, measure: Measure, *, settings: Mapping[str, int]) -> RatesBySide:
    """The rates, rounded up as `require` does. settings: with the model's portfolio parameters."""
    holding = Holding(np.array([_LONG, _SHORT]), _LOTS, PPM, measure)
    named = {name: settings[name] for name in model.portfolio_parameters}
    initial = model.require([holding], 2, settings=named).initial
    return RatesBySide(int(initial[_LONG]), int(initial[_SHORT]))
