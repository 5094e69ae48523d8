"""Table 3 held against the real index: fits, their errors, and how badly a diffusion fits steps.

In: an index, a price each business day. Out: rows whose error is that of the fit; a parameter of
table 3 follows if it lies within three errors of it. Errors: OutOfDomain, for a history that cannot
be fitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from risk.backtest import IndexSeries
from risk.monte_carlo import Estimate
from risk.price_fit import fit_diffusion, fit_jumps, likelihood_ratio_per_day
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.paper.figure_row import NOT_PRINTED, PaperRow, agreement

_MICROS: Final = 1_000_000
_TREND: Final = "real prices fell faster than table 3 says"
_STEPS: Final = "a diffusion never stands still, and most days of a list price do"


def fit_rows(index: IndexSeries) -> Iterator[PaperRow]:
    """Both models on the same days."""
    model = PRICE_SCENARIOS[BASELINE].model
    history = np.array(index.micros, dtype=np.float64) / _MICROS
    diffusion, jumps = fit_diffusion(history), fit_jumps(history)
    kappa = diffusion.kappa
    far = f"{kappa.value / (kappa.error or 1):.1f} errors from 0, where a unit root needs 3.4"
    for reading, estimate, printed, why in (
        ("κ, diffusion about a trend", kappa, model.kappa, far),
        ("β, diffusion about a trend", diffusion.beta, model.beta, _TREND),
        ("σ, diffusion about a trend", diffusion.sigma, model.sigma, "it takes the jumps in too"),
        ("λ, pure jumps", jumps.jump_rate, model.jump_rate, "each change of the index is a jump"),
        ("μ_J, pure jumps", jumps.jump_mean, model.jump_mean, "real jumps go down more than up"),
        ("σ_J, pure jumps", jumps.jump_sd, model.jump_sd, "jumps are as wide as table 3 says"),
    ):
        yield PaperRow(
            "table 3 fitted to the real index", reading, f"{printed:g}".replace("-", "−"),
            estimate, "", agreement(estimate, printed), why,
        )  # fmt: skip
    for reading, still in (("seen", jumps.still), ("by the diffusion", diffusion.still)):
        yield PaperRow(
            "days without a move", reading, NOT_PRINTED, Estimate(still), "%", "open", _STEPS
        )
    yield PaperRow(
        "likelihood of a day", "pure jumps over the diffusion", NOT_PRINTED,
        Estimate(likelihood_ratio_per_day(diffusion, jumps)), "×", "open",
        "on average a day, of moves to a basis point: the diffusion does not fit",
    )  # fmt: skip
