"""Figures that follow from table 3 in closed form, and those that follow from each other.

In: nothing but the parameters. Out: rows without a Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log, sqrt
from typing import Final

import numpy as np

from risk.monte_carlo import Estimate
from risk.price_curve import futures_prices, futures_volatility, price_deviation
from risk.price_model import MONTHS
from risk.price_scenarios import BASELINE, DEMAND, PRICE_SCENARIOS, START_PRICE, STEPS_A_YEAR
from services.paper.figure_row import NOT_PRINTED, Follows, PaperRow, Unit
from services.paper.simulation import (
    ALPHA,
    BAND_RATE,
    CLOSE_OUT_DAYS,
    FIRST_LIMIT,
    FLOOR_RATE,
    HORIZON_YEARS,
)

MODEL: Final = PRICE_SCENARIOS[BASELINE].model
_X: Final = log(START_PRICE)
# Printed of hedging: efficiencies, falls of the deviation, a bill's deviation before and after.
_EFFICIENCY, _CORRELATION = 0.78, 0.85
_FALLS: Final = (0.62, 0.78)
_BEFORE, _AFTER = 1.80, 0.65
_TERMS: Final = (0, 1, 3, 6, 12)


def law_rows() -> Iterator[PaperRow]:
    """Of the process: its speed, its trend, its mean and its volatility."""
    yield PaperRow(
        "half-life of a distance to the level", "ln 2 / κ", "2.8 months",
        Estimate(MONTHS * MODEL.half_life_years), "months", "no",
        "κ 2.5 gives 3.3 months; 2.8 would need κ 2.97",
    )  # fmt: skip
    yield PaperRow(
        "trend of the level", "a year's fall of e^θ", "β −0.35 a year",
        Estimate(exp(MODEL.beta) - 1), "%", "yes",
        "a log level that falls by 0.35 takes 29.5 % off the price, not 35 %",
    )  # fmt: skip
    yield from _mean_rows()
    yield from _term_rows()


def margin_rows() -> Iterator[PaperRow]:
    """Margin against the volatility of the paper's own process."""
    readings = (
        ("two days, with jumps", MODEL.jump_rate, CLOSE_OUT_DAYS,
         "the process has 61 % a year; over the two days of a close-out eq. 7 asks for more"),
        ("one day, with jumps", MODEL.jump_rate, 1, "a close-out within a day is inside"),
        ("two days, diffusion alone", 0.0, CLOSE_OUT_DAYS,
         "inside, but without the jumps that margin is for"),
    )  # fmt: skip
    for reading, jump_rate, days, why in readings:
        sigma = sqrt(MODEL.sigma**2 + jump_rate * MODEL.jump_square)
        rate = max(FLOOR_RATE, ALPHA * sigma * sqrt(days / STEPS_A_YEAR))
        yield PaperRow(
            "initial margin, eq. 7", reading, "8–12 %", Estimate(rate), "%",
            "yes" if rate <= BAND_RATE else "no", why,
        )  # fmt: skip
    yield PaperRow(
        "first limit against margin", "±15 % over the band's 12 %", "±15 %, 8–12 %",
        Estimate(FIRST_LIMIT / BAND_RATE), "×", "no",
        "a contract may lose more in a day, before it halts, than its margin at the band's top",
    )  # fmt: skip


def hedging_rows() -> Iterator[PaperRow]:
    """Printed figures of hedging held against each other; E = 1 − Var/Var = ρ² (eq. 10)."""
    yield PaperRow(
        "efficiency at a correlation of 0.85", "ρ²", "72.25 %", Estimate(_CORRELATION**2), "%",
        "yes", "eq. 10; the correlation itself does not follow from table 3",
    )  # fmt: skip
    yield PaperRow(
        "fall of the deviation", "1 − √(1 − E) at E 0.78", "62–78 %",
        Estimate(1 - sqrt(1 - _EFFICIENCY)), "%", "no",
        "E is a fall of the variance; of the deviation it is 53 %, outside of what is printed",
    )  # fmt: skip
    for fall in _FALLS:
        yield PaperRow(
            "efficiency behind a fall of the deviation", f"1 − (1 − {fall})²", "0.78",
            Estimate(1 - (1 - fall) ** 2), "%", "no",
            "for a deviation to fall as far as printed, E would have to be higher than printed",
        )  # fmt: skip
    yield PaperRow(
        "deviation 1.80 to 0.65", "fall of the deviation", "62–78 %",
        Estimate(1 - _AFTER / _BEFORE), "%", "yes", "inside of what is printed",
    )  # fmt: skip
    yield PaperRow(
        "deviation 1.80 to 0.65", "efficiency", "0.78",
        Estimate(1 - (_AFTER / _BEFORE) ** 2), "%", "no",
        "the two deviations make an efficiency of 87 %, that is ρ 0.93",
    )  # fmt: skip
    months = np.arange(1, MONTHS * HORIZON_YEARS + 1) / MONTHS
    verdicts: list[tuple[str, Follows, str]] = [
        (
            BASELINE,
            "no",
            "of the price, if dollars a million tokens are meant: no month comes near",
        ),
        (DEMAND, "open", "near 1.80 with parameters of ours, and the paper gives none"),
    ]
    for scenario, follows, why in verdicts:
        model = PRICE_SCENARIOS[scenario].model
        greatest = float(price_deviation(model, _X, now=0.0, later=months).max())
        yield PaperRow(
            "deviation 1.80 to 0.65", f"{scenario}, its greatest month", "1.80",
            Estimate(greatest), "$", follows, why,
        )  # fmt: skip


def _mean_rows() -> Iterator[PaperRow]:
    ends = np.arange(0, HORIZON_YEARS * STEPS_A_YEAR + 1) / STEPS_A_YEAR
    means = futures_prices(MODEL, _X, now=0.0, expiry=ends)
    top = int(means.argmax())
    why = "it rises, as jumps go up sooner than the level falls, and then falls: no U"
    readings: list[tuple[str, float, Unit]] = [
        ("its highest value, from 2.00", float(means[top]), "$"),
        ("time of the highest value", MONTHS * float(ends[top]), "months"),
        ("after 36 months", float(means[-1]), "$"),
    ]
    for reading, value, unit in readings:
        yield PaperRow("mean path", reading, "U-shaped", Estimate(value), unit, "no", why)


def _term_rows() -> Iterator[PaperRow]:
    """The term structures: of futures prices at the start, and of their volatility."""
    ends = np.asarray(_TERMS) / MONTHS
    prices = futures_prices(MODEL, _X, now=0.0, expiry=ends)
    for months, price in zip(_TERMS, prices.tolist(), strict=True):
        yield PaperRow(
            "futures price at the start", f"months to go: {months}", NOT_PRINTED, Estimate(price),
            "$", "open", "eq. 13: the mean path, as nobody is paid for risk",
        )  # fmt: skip
    for months, volatility in zip(_TERMS, futures_volatility(MODEL, ends).tolist(), strict=True):
        yield PaperRow(
            "volatility of a future, by the year", f"months to go: {months}", NOT_PRINTED,
            Estimate(volatility), "%", "open",
            "e^(−κτ) √(σ² + λE[J²]): it falls with the time to go",
        )  # fmt: skip
