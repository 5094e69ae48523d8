"""The comparison: every figure of the paper that we can compute, beside ours.

In: how many paths, and a seed. Out: rows, and the paths of each scenario for the fan charts. The
same paths and seed give the same comparison; a scenario's paths do not depend on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from risk.backtest import IndexSeries
from risk.price_scenarios import PRICE_SCENARIOS
from services.paper.figure_row import PaperRow
from services.paper.fit_rows import fit_rows
from services.paper.hedge_rows import hedge_rows
from services.paper.law_rows import hedging_rows, law_rows, margin_rows
from services.paper.path_rows import path_rows, scenario_rows, simulated_margin_rows
from services.paper.sensitivity_rows import sensitivity_rows
from services.paper.simulation import PathSample, sample_paths

# The paper's number of paths, and the fewest that have errors worth the name.
PATHS: Final = 10_000
PATHS_MIN: Final = 200
SEED: Final = 1


class Comparison(NamedTuple):
    """Rows and what they are made of. samples: by the name of the scenario."""

    paths: int
    seed: int
    rows: Sequence[PaperRow]
    samples: Mapping[str, PathSample]


def compare(paths: int, *, seed: int, index: IndexSeries) -> Comparison:
    """The comparison from so many paths of each scenario, an even number of at least PATHS_MIN.

    index: to which table 3 is fitted. Errors: OutOfDomain, for one that cannot be.
    """
    assert paths >= PATHS_MIN and paths % 2 == 0, f"expected pairs of paths, found {paths}"  # noqa: PT018 - one law
    fits = [*fit_rows(index)]
    samples = {
        name: sample_paths(scenario.model, np.random.default_rng([seed, number]), pairs=paths // 2)
        for number, (name, scenario) in enumerate(PRICE_SCENARIOS.items())
    }
    rows = [
        *law_rows(),
        *path_rows(samples),
        *margin_rows(),
        *simulated_margin_rows(samples),
        *hedging_rows(),
        *hedge_rows(samples, seed=seed),
        *sensitivity_rows(),
        *scenario_rows(samples),
        *fits,
    ]
    return Comparison(paths, seed, rows, samples)
