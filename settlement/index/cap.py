"""The provider cap: weights by volume, no provider above it (RULEBOOK §2; §5.2, eq. 5).

In: positive volumes. Out: exact weights that sum to one. Excess over the cap goes to the uncapped
providers pro rata to their weights, again and again until none is above.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def raw_weights(volumes: Sequence[int]) -> list[Fraction]:
    """Shares of the volume (eq. 5). volumes: all positive."""
    total = sum(volumes)
    return [Fraction(volume, total) for volume in volumes]


def capped_weights(volumes: Sequence[int], cap: Fraction) -> list[Fraction]:
    """Shares of the volume, none above the cap. volumes: all positive; cap: at least 1/n of them.

    The uncapped keep the proportions of their volumes in every round, so a round is: what the
    capped leave, shared among the others by volume. Every round but the last caps one more; a cap
    of 30 % has room for three.
    Law: they sum to one.
    """
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
