"""Shares of a whole, in whole cents (RULEBOOK §7, §9).

In: an amount and weights by name. Out: a part for each name; the parts add up to the amount.
"""

from __future__ import annotations

from collections.abc import Mapping


def shares(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """The amount by name, pro rata to the weights, by largest remainder; in the order of names.

    Each gets its exact share rounded down; what is left goes in units to the largest remainders,
    of equals to the first by name. Equal shares if all weights are 0; nothing for no names.
    Law: a part differs from the exact share by less than 1, so none is above its weight where the
    amount is not above the weights' sum.
    """
    assert amount >= 0, f"expected an amount of 0 or more to share, found {amount}"
    assert all(weight >= 0 for weight in weights.values()), f"a weight is below 0 in {weights}"
    whole = sum(weights.values())
    exact = {
        name: divmod(amount * weights[name], whole) if whole else divmod(amount, len(weights))
        for name in sorted(weights)
    }
    parts = {name: quotient for name, (quotient, _) in exact.items()}
    # The sort keeps the order of names among equal remainders.
    by_remainder = sorted(exact, key=lambda name: -exact[name][1])
    for name in by_remainder[: amount - sum(parts.values())]:
        parts[name] += 1
    return parts
