"""The provider cap: weights by volume, no provider above it (RULEBOOK §2; §5.2, eq. 5).

In: positive volumes. Out: exact weights that sum to one. Excess over the cap goes to the uncapped
providers pro rata to their weights, again and again until none is above.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

_CAP: Final = Fraction(30, 100)
# Fewer than four providers cannot meet 30 %.
_CAP_RELAXED: Final = {1: Fraction(1), 2: Fraction(50, 100), 3: Fraction(40, 100)}


def cap_of(providers: int) -> Fraction:
    """The cap that holds for so many providers in the index, at least one."""
    return _CAP_RELAXED.get(providers, _CAP)


def raw_weights(volumes: Sequence[int]) -> list[Fraction]:
    """Shares of the volume (eq. 5). volumes: all positive."""
    total = sum(volumes)
    return [Fraction(volume, total) for volume in volumes]


def capped_weights(volumes: Sequence[int]) -> list[Fraction]:
    """Shares of the volume, none above the cap. volumes: all positive.

    The uncapped keep the proportions of their volumes in every round, so a round is: what the
    capped leave, shared among the others by volume. Every round but the last caps one more; a cap
    of 30 % has room for three.
    Law: they sum to one.
    """
    cap = cap_of(len(volumes))
    is_capped = [False] * len(volumes)
    while True:
        left = 1 - cap * sum(is_capped)
        open_volume = sum(
            volume for volume, capped in zip(volumes, is_capped, strict=True) if not capped
        )
        weights = [
            cap if capped else left * Fraction(volume, open_volume)
            for volume, capped in zip(volumes, is_capped, strict=True)
        ]
        if all(weight <= cap for weight in weights):
            return weights
        is_capped = [
            capped or weight > cap for weight, capped in zip(weights, is_capped, strict=True)
        ]
