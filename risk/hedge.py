"""What futures would have done for a bill of tokens (paper eq. 8–10; RULEBOOK §8).

In: arrays over observations, which are simulated paths or stretches of the real history: prices of
contracts when a leg opens and closes, lots, bills. Out: gains, the minimum-variance ratio, the
efficiency. A lot is one million tokens, so that a price of a contract is that of a lot. Bills and
gains are figures of a model, in dollars: no books are made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from events.int64 import IntArray
from risk.price_model import MONTHS, FloatArray

MONTHS_A_QUARTER: Final = 3
# Below it a variance is what rounding leaves of none.
_ROUNDING: Final = 1e-12


class Leg(NamedTuple):
    """A contract held for a month on behalf of the tokens of some months.

    month: in which it is held, the first is 0; covered: the months whose lots it stands for, from
    the first to before the last; opened, closed: prices (observations,) at the month's ends.
    """

    month: int
    covered: tuple[int, int]
    opened: FloatArray
    closed: FloatArray


class MarginRates(NamedTuple):
    """Initial margin as a fraction of the price, by the side of a position. Arrays of one shape."""

    long: FloatArray
    short: FloatArray

    def of(self, rows: IntArray) -> MarginRates:
        """Those of some rows, in the shape of the rows' numbers."""
        return MarginRates(self.long[rows], self.short[rows])


class Financing(NamedTuple):
    """The terms of money. interest: a year's, as a fraction.

    rates: when a month begins, (months, observations) each.
    """

    interest: float
    rates: MarginRates


class Regression(NamedTuple):
    """Of bills on gains. ratio: h* = ρ σ_S/σ_F (eq. 8–9); correlation: ρ."""

    ratio: float
    correlation: float


def front_legs(openings: FloatArray, settlements: FloatArray) -> list[Leg]:
    """A stack of the front month, rolled: all tokens still to come lie in the next contract.

    openings, settlements: (months, observations) prices of each month's own contract when it
    becomes the front and when it settles.
    """
    months = settlements.shape[0]
    return [
        Leg(month, (month, months), openings[month], settlements[month]) for month in range(months)
    ]


def strip_legs(prices: Sequence[FloatArray], months: int) -> list[Leg]:
    """Quarterly contracts, one for the tokens of each quarter; a month's lots go as it ends.

    prices: of each quarter's contract, (months until its end + 1, observations), the start first.
    """
    legs = []
    for quarter, curve in enumerate(prices):
        first, last = quarter * MONTHS_A_QUARTER, min((quarter + 1) * MONTHS_A_QUARTER, months)
        legs += [
            Leg(month, (max(month, first), last), curve[month], curve[month + 1])
            for month in range(last)
        ]
    return legs


def gains_of(legs: Sequence[Leg], lots: FloatArray) -> FloatArray:
    """What long positions gain month by month, (months, observations), in dollars.

    lots: (months, observations or 1), what is held for the tokens of each month.
    """
    shape = np.broadcast_shapes(lots[0].shape, legs[0].opened.shape)
    gains = np.zeros((lots.shape[0], *shape))
    for leg in legs:
        gains[leg.month] += _lots_of(leg, lots) * (leg.closed - leg.opened)
    return gains


def whole_lots(ratio: float, volumes: FloatArray) -> FloatArray:
    """Lots for the tokens planned in each month, in millions: a contract cannot be split."""
    return np.rint(ratio * volumes)


def financing_cost(legs: Sequence[Leg], lots: FloatArray, *, terms: Financing) -> FloatArray:
    """The interest on margin, and on variation since the start, (observations,), in dollars.

    Margin is that of each month's beginning; what variation has brought by then earns the same
    interest, so that a cost below 0 is an income.
    """
    balances = np.cumsum(gains_of(legs, lots), axis=0)
    owed = np.zeros_like(balances)
    owed[1:] -= balances[:-1]
    for leg in legs:
        signed = _lots_of(leg, lots)
        rates = np.where(signed < 0, *(of_side[leg.month] for of_side in reversed(terms.rates)))
        owed[leg.month] += np.abs(signed) * leg.opened * rates
    return np.asarray(terms.interest / MONTHS * owed.sum(axis=0))


def minimum_variance(bills: FloatArray, gains: FloatArray) -> Regression:
    """The ratio at which the bills less so many gains vary least; 0 where nothing varies."""
    bills_apart, gains_apart = bills - bills.mean(), gains - gains.mean()
    of_bills, of_gains = float(np.mean(bills_apart**2)), float(np.mean(gains_apart**2))
    if not of_bills or not of_gains:
        return Regression(0.0, 0.0)
    correlation = float(np.mean(bills_apart * gains_apart)) / sqrt(of_bills) / sqrt(of_gains)
    return Regression(correlation * sqrt(of_bills) / sqrt(of_gains), correlation)


def efficiency(unhedged: FloatArray, hedged: FloatArray) -> float:
    """E = 1 − Var(hedged)/Var(unhedged) (eq. 10); at the ratio h* it is ρ².

    The unhedged must vary.
    """
    return 1 - float(np.var(hedged)) / float(np.var(unhedged))


def resampled_efficiencies(
    unhedged: FloatArray, hedged: FloatArray, *, weights: FloatArray, gains: FloatArray | None
) -> FloatArray:
    """The efficiency in each resample of a bootstrap.

    unhedged, hedged: (members, clusters), each cluster drawn as a whole, such as an antithetic
    pair; weights: (resamples, clusters), how often. gains: of a cover of which the hedge has the
    minimum-variance ratio, made anew in each resample; None where the ratio was given. NaN where
    bills, or these gains, do not vary.
    """
    draws = weights.sum(axis=1) * unhedged.shape[0]

    def moment(first: FloatArray, second: FloatArray) -> FloatArray:
        means = [weights @ values.sum(axis=0) / draws for values in (first, second)]
        return np.asarray(weights @ (first * second).sum(axis=0) / draws - means[0] * means[1])

    bills = unhedged - unhedged.mean()
    covers = bills - (hedged - hedged.mean())
    of_bills = moment(bills, bills)
    varies, scales = of_bills > _ROUNDING * of_bills.max(), np.ones(of_bills.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        if gains is not None:
            apart = gains - gains.mean()
            of_gains = moment(apart, apart)
            varies &= of_gains > _ROUNDING * of_gains.max()
            slope = float(np.sum(bills * apart)) / float(np.sum(apart**2))
            scales = moment(bills, apart) / of_gains / slope
        removed = 2 * scales * moment(bills, covers) - scales**2 * moment(covers, covers)
        return np.where(varies, removed / of_bills, np.nan)


def _lots_of(leg: Leg, lots: FloatArray) -> FloatArray:
    first, last = leg.covered
    return np.asarray(lots[first:last].sum(axis=0))
