"""What a hedge of a year's bill does on the paths: h*, E and the fall of the deviation.

In: what was kept of the paths of each scenario. Out: rows. As `clearing hedge` reckons (HEDGE.md),
without interest on margin; the scenarios of the paper have no parameters, ours do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log, sqrt
from typing import Final

import numpy as np

from risk.hedge import MarginRates, gains_of, minimum_variance
from risk.monte_carlo import Estimate
from risk.price_model import MONTHS
from risk.price_scenarios import BASELINE, DEMAND, PRICE_SCENARIOS, START_PRICE
from services.paper.figure_row import NOT_PRINTED, PaperRow, agreement
from services.paper.hedge_paths import BASIS_SD, FRONT, STRIP, MonthEnds, PathPlan, programmes_on
from services.paper.hedge_programme import HedgeRow, Programme, Terms, hedged_row
from services.paper.simulation import PathSample

# So many that whole lots are no matter.
_MTOK: Final = 1e6
_FREE: Final = Terms(ratio=None, interest=0.0)
_EFFICIENCY: Final = 0.78
# Of a normal figure half a 95 % interval is so many standard errors.
_HALF_INTERVAL: Final = 1.96
_GROUPS: Final = 50
_WHY: Final = {
    "at the index": "only maturities differ: more goes than 0.78",
    "own price": "futures are of the index: of a price of one's own less goes than 0.78",
}


def hedge_rows(samples: Mapping[str, PathSample], *, seed: int) -> Iterator[PaperRow]:
    """Of a year of equal months. samples: by the name of the scenario; seed: of what is drawn."""
    programmes = [
        (scenario, roll, programme)
        for scenario, sample in samples.items()
        for roll in (FRONT, STRIP)
        for programme in _programmes(scenario, sample, roll=roll, seed=seed)
    ]
    hedged = [
        (scenario, f"{programme.subject}, {roll}", programme, _hedged(programme, seed=seed))
        for scenario, roll, programme in programmes
    ]
    for scenario, reading, programme, row in hedged:
        if scenario == BASELINE:
            yield PaperRow(
                "hedge ratio h*", reading, NOT_PRINTED, _ratio(programme, row), "", "open",
                "lots a million tokens of a year's bill",
            )  # fmt: skip
    for scenario, reading, _, row in hedged:
        efficiency = Estimate(row.efficiency, _error(row))
        verdict = agreement(efficiency, _EFFICIENCY) if scenario == BASELINE else "open"
        yield PaperRow(
            "efficiency of a hedge", reading, "0.78", efficiency, "%", verdict, _why(reading)
        )
    for scenario, reading, _, row in hedged:
        if scenario == DEMAND:
            error = _error(row) / (2 * sqrt(1 - row.efficiency))
            yield PaperRow(
                "fall of the deviation by a hedge", reading, "62–78 %",
                Estimate(row.deviation_fall, error), "%", "open",
                "printed of an explosion of demand, whose parameters are ours",
            )  # fmt: skip


def _programmes(scenario: str, sample: PathSample, *, roll: str, seed: int) -> Iterator[Programme]:
    pairs = sample.monthly.shape[-1]
    plan = PathPlan(np.full(MONTHS, _MTOK), roll, pairs, seed, BASIS_SD, 0.0)
    start = np.full((1, 2 * pairs), log(START_PRICE))
    logs = np.concatenate([start, np.log(sample.monthly[:MONTHS]).reshape(MONTHS, -1)])
    rng = np.random.default_rng([seed, [*PRICE_SCENARIOS].index(scenario), 1])
    none = MarginRates(*np.zeros((2, MONTHS, 2 * pairs)))
    closes = MonthEnds(logs, none, none)
    return programmes_on(PRICE_SCENARIOS[scenario], closes, plan=plan, rng=rng)


def _hedged(programme: Programme, *, seed: int) -> HedgeRow:
    return hedged_row(programme, _FREE, rng=np.random.default_rng([seed, 0]))


def _ratio(programme: Programme, row: HedgeRow) -> Estimate:
    """h*, with its error from how groups of pairs differ."""
    bills = (programme.bills - programme.budgets).reshape(programme.members, -1)
    gains = gains_of(programme.legs, programme.planned).sum(axis=0).reshape(bills.shape)
    groups = np.array_split(np.arange(bills.shape[1]), min(_GROUPS, bills.shape[1] // 2))
    ratios = [
        minimum_variance(bills[:, group].ravel(), gains[:, group].ravel()).ratio for group in groups
    ]
    return Estimate(row.best_ratio, float(np.std(ratios, ddof=1)) / sqrt(len(ratios)))


def _error(row: HedgeRow) -> float:
    low, high = row.interval
    return (high - low) / (2 * _HALF_INTERVAL)


def _why(reading: str) -> str:
    return next(why for whose, why in _WHY.items() if whose in reading)
