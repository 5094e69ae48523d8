"""Shares of a whole by largest remainder (RULEBOOK 7)."""

from __future__ import annotations

from fractions import Fraction


def shared(whole: int, weights: dict[str, int]) -> dict[str, int]:
    """Give everybody's part of a whole, pro rata: rounded down, then a cent each to who lost most.

    Ties by name; the parts add up. Without any weight all are equal.
    """
    total = sum(weights.values())
    exact = {
        name: Fraction(whole * weight, total) if total else Fraction(whole, len(weights))
        for name, weight in weights.items()
    }
    parts = {name: int(part) for name, part in exact.items()}
    losses = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in losses[: whole - sum(parts.values())]:
        parts[name] += 1
    assert sum(parts.values()) == whole or not weights
    return parts
