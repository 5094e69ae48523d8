"""From the margins of positions to the margin of an account (RULEBOOK §5).

In: holdings of one or several contracts under one model. Out: the requirement of every account.
No other module adds margins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from events.int64 import IntArray, add, add_at, as_index, subtract
from events.units import PPM
from risk.exact_product import LossMatrix, worst_means
from risk.margin import ALONE, RATE, Holding, Requirement
from risk.requirement import margin_column, side_column

# The tail of expected shortfall: one of 100 scenarios, rounded up (99 %).
_TAIL: Final = 100

# Accounts whose lots are laid out at once, with a row for each contract.
_ACCOUNTS_AT_ONCE: Final = 8_192


def sum_of_parts(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """Σ ceil(|lots| · price · rate / 10⁶): no position offsets another. For measures of a rate.

    settings: none.

    Errors: OverflowError when an account's sum is beyond int64.
    """
    assert not settings, f"expected no settings, found {settings}"
    initial = np.zeros(accounts, dtype=np.int64)
    parts = []
    for holding in holdings:
        margin = np.zeros(len(holding.lots), dtype=np.int64)
        if holding.price_cents is not None:
            margin_column(
                holding.lots,
                price_cents=holding.price_cents,
                rate_ppm=holding.measure.shocks_ppm[0],
                out=margin,
            )
        add_at(initial, as_index(holding.accounts), addend=margin)
        parts.append(margin)
    return Requirement(initial, parts)


def worst_scenario(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """The worst scenario of each axis, Σ lots · price · shock / 10⁶, and the sum over the axes.

    settings: scan_product_credit_ppm, the share taken off for products whose directions differ.

    The direction of a product is Σ lots · price · (long + short) / 2, the losses of both sides; its
    share in the credit is the direction, at most the product's margin. The credit is the share of
    the smaller of what is long and what is short. So it fades with the direction, without a step,
    an account is never asked less than for its larger side, and more lots of the same side never
    cost less. (Months that offset may: then the direction is less as well.)

    Errors: OverflowError when an account's sum is beyond int64.
    """
    requirement = _offset(holdings, accounts, tail=None)
    credit_ppm = settings["scan_product_credit_ppm"]
    if not credit_ppm:
        return requirement
    assert requirement.credit is not None
    credit = _product_credit(holdings, accounts, credit_ppm=credit_ppm)
    return Requirement(
        subtract(requirement.initial, credit), requirement.parts, add(requirement.credit, credit)
    )


def tail_mean(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """The mean of the worst hundredth of the scenarios of each axis, and the sum over the axes.

    settings: none. Source: expected shortfall, Acerbi & Tasche 2002, of equally likely scenarios.

    Errors: OverflowError when an account's sum is beyond int64.
    """
    assert not settings, f"expected no settings, found {settings}"
    return _offset(holdings, accounts, tail=_TAIL)


def _offset(holdings: Sequence[Holding], accounts: int, *, tail: int | None) -> Requirement:
    """The sum over the axes; on each the mean of the worst 1/tail of the scenarios, or the worst.

    Never above the sum of the parts: the worst of a sum is at most the sum of each one's worst.
    """
    parts = [_part(holding, tail=tail) for holding in holdings]
    total, initial = np.zeros((2, accounts), dtype=np.int64)
    axes: dict[str, list[int]] = {}
    for number, (holding, part) in enumerate(zip(holdings, parts, strict=True)):
        index = as_index(holding.accounts)
        add_at(total, index, addend=part)
        if holding.measure.axis == RATE:
            add_at(initial, index, addend=part)
        elif holding.price_cents is not None:
            axes.setdefault(holding.measure.axis, []).append(number)
    for numbers in axes.values():
        if len(numbers) == 1:
            (number,) = numbers
            add_at(initial, as_index(holdings[number].accounts), addend=parts[number])
            continue
        group = [holdings[number] for number in numbers]
        initial = add(initial, _axis_margin(group, accounts, tail=tail))
    return Requirement(initial, parts, subtract(total, initial))


def _part(holding: Holding, *, tail: int | None) -> IntArray:
    """The margin that each position of a contract asks alone."""
    margin = np.zeros(len(holding.lots), dtype=np.int64)
    if holding.price_cents is not None:
        shocks = holding.measure.shocks_ppm
        count = _count(len(shocks), tail=tail)
        ordered = sorted(shocks)
        long = max(0, sum(ordered[-count:]))
        short = long if holding.measure.axis == RATE else max(0, -sum(ordered[:count]))
        losses = holding.price_cents * long, holding.price_cents * short
        side_column(holding.lots, losses=losses, divisor=PPM * count, out=margin)
    return margin


def _count(scenarios: int, *, tail: int | None) -> int:
    """The number of scenarios whose mean is asked."""
    return 1 if tail is None else -(-scenarios // tail)


def _axis_margin(group: Sequence[Holding], accounts: int, *, tail: int | None) -> IntArray:
    """The margin of each account in contracts of one axis."""
    shocks = [holding.measure.shocks_ppm for holding in group]
    count = _count(len(shocks[0]), tail=tail)
    return _means(group, accounts, shocks=shocks, count=count, divisor=PPM)


def _means(
    group: Sequence[Holding],
    accounts: int,
    *,
    shocks: Sequence[Sequence[int]],
    count: int,
    divisor: int,
) -> IntArray:
    """The mean of the worst losses of each account, over a divisor. shocks: by contract."""
    losses = LossMatrix([holding.price_cents or 0 for holding in group], shocks)
    means = np.zeros(accounts, dtype=np.int64)
    for first in range(0, accounts, _ACCOUNTS_AT_ONCE):
        lots = np.zeros((len(group), min(_ACCOUNTS_AT_ONCE, accounts - first)), dtype=np.int64)
        until = first + lots.shape[1]
        for row, holding in zip(lots, group, strict=True):
            if len(holding.accounts) == accounts:
                row[:] = holding.lots[first:until]
                continue
            begin, end = np.searchsorted(holding.accounts, (first, until))
            row[holding.accounts[begin:end] - first] = holding.lots[begin:end]
        means[first:until] = worst_means(lots, losses, count=count, divisor=divisor)
    return means


def _product_credit(holdings: Sequence[Holding], accounts: int, *, credit_ppm: int) -> IntArray:
    """The credit of each account for products whose directions differ, rounded down."""
    products: dict[str, list[Holding]] = {}
    for holding in holdings:
        axis = holding.measure.axis
        if axis != RATE and not axis.startswith(ALONE) and holding.price_cents is not None:
            products.setdefault(holding.product, []).append(holding)
    long, short = np.zeros((2, accounts), dtype=np.int64)
    for group in products.values():
        margin = _offset(group, accounts, tail=None).initial
        long = add(long, np.minimum(margin, _direction(group, accounts, side=1)))
        short = add(short, np.minimum(margin, _direction(group, accounts, side=-1)))
    smaller: IntArray = np.minimum(long, short)
    # Whole millions and the remainder apart, so that no product is beyond int64.
    credit: IntArray = smaller // PPM * credit_ppm + smaller % PPM * credit_ppm // PPM
    return credit


def _direction(group: Sequence[Holding], accounts: int, *, side: int) -> IntArray:
    """Σ lots · price · (long + short) / 2 of each account, of one sign, else 0; rounded up."""
    measures = [holding.measure for holding in group]
    shocks = [[side * (measure.long_ppm + measure.short_ppm)] for measure in measures]
    return _means(group, accounts, shocks=shocks, count=1, divisor=2 * PPM)
