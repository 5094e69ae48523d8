"""A hedging programme and what became of it: the bill with futures beside the bill without.

In: bills, contracts and margin rates of observations, paths or stretches of history. Out: a row of
figures. A budget is the bill at the prices known when the programme begins; it is the deviation
from it that is hedged. Floats: figures of a model, not of the books.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from risk.hedge import (
    Financing,
    Leg,
    MarginRates,
    efficiency,
    financing_cost,
    gains_of,
    minimum_variance,
    resampled_efficiencies,
    whole_lots,
)
from risk.price_model import FloatArray

RESAMPLES: Final = 1_000
INTERVAL: Final = (0.025, 0.975)
BAND: Final = (0.05, 0.95)


class Programme(NamedTuple):
    """What a firm plans and meets. members: observations that are drawn together in a resample.

    planned: (months, observations or 1) millions of tokens, a lot each; bills, budgets:
    (observations,) dollars; scan, eq_7: (months, observations) margin by the two models.
    """

    subject: str
    planned: FloatArray
    bills: FloatArray
    budgets: FloatArray
    legs: Sequence[Leg]
    scan: MarginRates
    eq_7: MarginRates
    members: int = 1


class Terms(NamedTuple):
    """ratio: lots over tokens, None for the minimum-variance one; interest: of a year."""

    ratio: float | None
    interest: float


class Bill(NamedTuple):
    """A bill in dollars: its mean, and by how much bills differ from their budgets.

    deviation: standard; low, high: what nine differences in ten lie between.
    """

    mean: float
    deviation: float
    low: float
    high: float


class HedgeRow(NamedTuple):
    """A programme's figures. interval: of the efficiency, 95 %.

    financing: with margin by `scan`, in the bill; financing_eq_7: with the paper's in its place.
    percentiles: 1 to 99 % of the differences from budgets, without and with futures.
    """

    subject: str
    observations: int
    ratio: float
    best_ratio: float
    correlation: float
    lots: float
    budget: float
    unhedged: Bill
    hedged: Bill
    financing: float
    financing_eq_7: float
    efficiency: float
    interval: tuple[float, float]
    percentiles: tuple[FloatArray, FloatArray]

    @property
    def deviation_fall(self) -> float:
        """By how much of itself the deviation falls: 1 − √(1 − E)."""
        return 1 - sqrt(max(0.0, 1 - self.efficiency))


def hedged_rows(programmes: Sequence[Programme], terms: Terms, *, seed: int) -> list[HedgeRow]:
    """The figures of programmes; the seed is that of the bootstraps."""
    return [
        hedged_row(programme, terms, rng=np.random.default_rng([seed, number]))
        for number, programme in enumerate(programmes)
    ]


def hedged_row(programme: Programme, terms: Terms, *, rng: np.random.Generator) -> HedgeRow:
    """The figures of a programme whose bills vary. rng: for the bootstrap."""
    budgets, legs = programme.budgets, programme.legs
    unhedged = programme.bills - budgets
    cover = gains_of(legs, programme.planned).sum(axis=0)
    best = minimum_variance(unhedged, cover)
    ratio = best.ratio if terms.ratio is None else terms.ratio
    lots = whole_lots(ratio, programme.planned)
    financing, by_eq_7 = (
        financing_cost(legs, lots, terms=Financing(terms.interest, rates))
        for rates in (programme.scan, programme.eq_7)
    )
    hedged = unhedged - gains_of(legs, lots).sum(axis=0) + financing
    budget = float(budgets.mean())
    return HedgeRow(
        subject=programme.subject,
        observations=unhedged.size,
        ratio=ratio,
        best_ratio=best.ratio,
        correlation=best.correlation,
        lots=float(lots.sum(axis=0).mean()),
        budget=budget,
        unhedged=_bill(unhedged, budget),
        hedged=_bill(hedged, budget),
        financing=float(financing.mean()),
        financing_eq_7=float(by_eq_7.mean()),
        efficiency=efficiency(unhedged, hedged),
        interval=_interval(
            unhedged,
            hedged,
            weights=_resamples(programme, rng),
            gains=cover if terms.ratio is None and best.ratio else None,
        ),
        percentiles=(_percentiles(unhedged), _percentiles(hedged)),
    )


def _bill(apart: FloatArray, budget: float) -> Bill:
    low, high = np.quantile(apart, BAND)
    return Bill(budget + float(apart.mean()), float(apart.std()), float(low), float(high))


def _percentiles(apart: FloatArray) -> FloatArray:
    return np.asarray(np.quantile(apart, np.arange(1, 100) / 100))


def _resamples(programme: Programme, rng: np.random.Generator) -> FloatArray:
    """How often each cluster is drawn, (resamples, clusters)."""
    clusters = programme.bills.size // programme.members
    counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters), RESAMPLES)
    return counts.astype(np.float64)


def _interval(
    unhedged: FloatArray, hedged: FloatArray, *, weights: FloatArray, gains: FloatArray | None
) -> tuple[float, float]:
    """The 95 % interval of the efficiency by percentiles of a bootstrap, clusters drawn whole."""
    before, after = (values.reshape(-1, weights.shape[1]) for values in (unhedged, hedged))
    covers = None if gains is None else gains.reshape(before.shape)
    resampled = resampled_efficiencies(before, after, weights=weights, gains=covers)
    low, high = np.nanquantile(resampled, INTERVAL)
    return float(low), float(high)
