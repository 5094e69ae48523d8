"""Table 3 held against the real index: fits, their errors, and how badly a diffusion fits steps.

In: an index, a price each business day. Out: rows whose error is that of the fit; a parameter of
table 3 follows if it lies within three errors of it. Errors: OutOfDomain, for a history that cannot
be fitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from risk.backtest import IndexSeries
from risk.monte_carlo import Estimate
from risk.price_fit import fit_diffusion, fit_jumps, likelihood_ratio_per_day
from risk.price_fit_whole import WholeFit, fit_whole
from risk.price_model import FloatArray
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.paper.figure_row import NOT_PRINTED, PaperRow, agreement

_MICROS: Final = 1_000_000
_TREND: Final = "by how much its log level moves in a year"
_STEPS: Final = "a diffusion never stands still, and a list price mostly does"
_NO_RETURN: Final = "0: still days leave no return, and so no level, trend and season"


def fit_rows(index: IndexSeries) -> Iterator[PaperRow]:
    """The models on the same days: each part alone, then all together."""
    model = PRICE_SCENARIOS[BASELINE].model
    history = _history(tuple(index.micros))
    # Jumps first: a history that moves each day, straight on, has no diffusion either, to the bit.
    jumps, diffusion = fit_jumps(history), fit_diffusion(history)
    whole = _whole(tuple(index.micros))
    together = whole.estimates
    kappa = diffusion.kappa
    far = f"{kappa.value / (kappa.error or 1):.1f} errors from 0, where a unit root needs 3.4"
    for reading, estimate, printed, why in (
        ("κ, diffusion about a trend", kappa, model.kappa, far),
        ("β, diffusion about a trend", diffusion.beta, model.beta, _TREND),
        ("σ, diffusion about a trend", diffusion.sigma, model.sigma, "it takes the jumps in too"),
        ("λ, pure jumps", jumps.jump_rate, model.jump_rate, "each change of the index is a jump"),
        ("μ_J, pure jumps", jumps.jump_mean, model.jump_mean, "jumps as they came, up and down"),
        ("σ_J, pure jumps", jumps.jump_sd, model.jump_sd, "how wide jumps are, about their mean"),
        ("γ, diffusion about a trend and a season", whole.seasonal["gamma"], model.gamma,
         "a season from the first day of the history"),
        ("κ, all together", together["kappa"], model.kappa, _NO_RETURN),
        ("σ, all together", together["sigma"], model.sigma, "0: still days leave no diffusion"),
        ("λ, all together", together["jump_rate"], model.jump_rate, "of the days that move"),
        ("μ_J, all together", together["jump_mean"], model.jump_mean, "several may fall on a day"),
        ("σ_J, all together", together["jump_sd"], model.jump_sd, "several may fall on a day"),
    ):  # fmt: skip
        yield PaperRow(
            "table 3 fitted to the index", reading, f"{printed:g}".replace("-", "−"),
            estimate, "", agreement(estimate, printed), why,
        )  # fmt: skip
    for reading, still in (("seen", jumps.still), ("by the diffusion", diffusion.still)):
        yield PaperRow(
            "days without a move", reading, NOT_PRINTED, Estimate(still), "%", "open", _STEPS
        )
    yield PaperRow(
        "likelihood of a day", "pure jumps over the diffusion", NOT_PRINTED,
        Estimate(likelihood_ratio_per_day(diffusion, jumps)), "×", "open",
        "on average a day, of moves to a basis point",
    )  # fmt: skip
    yield PaperRow(
        "log likelihood of all days", "all together over jumps alone", NOT_PRINTED,
        Estimate(whole.gain), "", "open",
        "what return, trend, season and diffusion add to jumps; 5.5 would be something",
    )  # fmt: skip


def _history(micros: tuple[int, ...]) -> FloatArray:
    return np.array(micros, dtype=np.float64) / _MICROS


# Seconds of work, and the same for every seed and every number of paths.
@lru_cache(maxsize=1)
def _whole(micros: tuple[int, ...]) -> WholeFit:
    return fit_whole(_history(micros))
