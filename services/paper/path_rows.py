"""Figures that want a simulation: how often, how far, how skewed; each with its error.

In: what was kept of the paths of each scenario. Out: rows. Where a wording can be read in several
ways, each reading has its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from risk.monte_carlo import Estimate, controlled_mean, grouped, paired_mean, skewness
from risk.price_model import MONTHS, FloatArray, log_law
from risk.price_scenarios import BASELINE, DEMAND, PRICE_SCENARIOS, PRICE_WAR, START_PRICE
from services.paper.figure_row import NOT_PRINTED, Follows, PaperRow, Unit, agreement
from services.paper.simulation import HORIZON_YEARS, PathSample

LAST_MONTH: Final = MONTHS * HORIZON_YEARS
_PEAK_MONTH: Final = 5
_SWING: Final = 5.0
_DEAR: Final = 15.0
_DOUBLING: Final = 0.15
_WHOSE: Final = "its parameters, and whose they are, stand with the table"


def path_rows(samples: Mapping[str, PathSample]) -> Iterator[PaperRow]:
    """Of the price itself. samples: by the name of the scenario."""
    baseline = samples[BASELINE]
    yield from _mean_rows(baseline)
    yield from _doubling_rows(baseline)
    yield from _swing_rows(baseline)
    yield from _skew_rows(baseline)
    yield from _dear_rows(samples)


def simulated_margin_rows(samples: Mapping[str, PathSample]) -> Iterator[PaperRow]:
    """Eq. 7 on the paths of the baseline, close by close."""
    sample = samples[BASELINE]
    yield PaperRow(
        "closes at which eq. 7 asks over 12 %", "of the index, two days", "8–12 %",
        paired_mean(sample.above_band), "%", "no",
        "σ₂₀ holds a jump for twenty days, and for as long margin is above the band",
    )  # fmt: skip
    for width, days in (("12 %", sample.moves_band), ("15 %", sample.moves_limit)):
        yield PaperRow(
            f"days that move more than {width}", "of the index, either way", "8–12 %, ±15 %",
            paired_mean(days), "days a year", "no",
            "jumps of the process go beyond margin, and beyond the first limit too",
        )  # fmt: skip


def scenario_rows(samples: Mapping[str, PathSample]) -> Iterator[PaperRow]:
    """What the scenarios come to; two of them are ours."""
    for scenario in (BASELINE, DEMAND, PRICE_WAR):
        sample = samples[scenario]
        for month in (MONTHS, LAST_MONTH):
            yield PaperRow(
                f"scenario {scenario}", f"mean price after {month} months", NOT_PRINTED,
                mean_price(scenario, sample, month=month), "$", "open", _WHOSE,
            )  # fmt: skip
        yield PaperRow(
            f"scenario {scenario}", "paths that double", NOT_PRINTED,
            _share(sample.high >= 2 * START_PRICE), "%", "open", _WHOSE,
        )  # fmt: skip


def mean_price(scenario: str, sample: PathSample, *, month: int) -> Estimate:
    """The mean price at the end of a month, by pairs and by the known law of the log price."""
    prices = sample.month(month)
    logs = np.log(prices)
    law = log_law(PRICE_SCENARIOS[scenario].model, log(START_PRICE), now=0.0, later=month / MONTHS)
    controls = [logs, (logs - law.mean) ** 2]
    return controlled_mean(prices, controls, means=[float(law.mean), float(law.variance)])


def _mean_rows(sample: PathSample) -> Iterator[PaperRow]:
    for month in (_PEAK_MONTH, LAST_MONTH):
        yield PaperRow(
            "mean path, simulated", f"end of month {month}", "U-shaped",
            mean_price(BASELINE, sample, month=month), "$", "no",
            "the simulation says what the closed form says",
        )  # fmt: skip


def _doubling_rows(sample: PathSample) -> Iterator[PaperRow]:
    double = 2 * START_PRICE
    for reading, hits, why in (
        ("at some close of three years", sample.high >= double, "one close of 756 is enough"),
        ("at some month's end", sample.monthly.max(axis=0) >= double,
         "a month's end misses what comes and goes within it"),
        ("after 36 months", sample.month(LAST_MONTH) >= double, "the level has fallen by then"),
    ):  # fmt: skip
        estimate = _share(hits)
        yield PaperRow(
            "paths that double from their start", reading, "15 %", estimate, "%",
            agreement(estimate, _DOUBLING), why,
        )  # fmt: skip


def _swing_rows(sample: PathSample) -> Iterator[PaperRow]:
    last = sample.month(LAST_MONTH)
    for reading, hits, why in (
        ("high over low, in any order", sample.high >= _SWING * sample.low,
         "the level falls to a third by itself"),
        ("from a low up to a later high", sample.rise >= _SWING, "what the word swing suggests"),
        ("from a high down to a later low", sample.fall * _SWING <= 1, "the trend helps"),
        ("from the start up", sample.high >= _SWING * START_PRICE, "to ten dollars"),
        ("from the start down", sample.low * _SWING <= START_PRICE, "to forty cents"),
    ):  # fmt: skip
        yield PaperRow(
            "paths with a five-fold swing", reading, "five-fold", _share(hits), "%", "open",
            why,
        )  # fmt: skip
    yield PaperRow(
        "five-fold swings", "95 % over 5 % quantile after 36 months", "five-fold",
        grouped(_band, last), "×", "no",
        "the band of nine paths in ten is narrower",
    )  # fmt: skip


def _skew_rows(sample: PathSample) -> Iterator[PaperRow]:
    last = sample.month(LAST_MONTH)
    law = log_law(
        PRICE_SCENARIOS[BASELINE].model, log(START_PRICE), now=0.0, later=float(HORIZON_YEARS)
    )
    for reading, estimate, why in (
        ("of the price after 36 months", grouped(skewness, last), "to the right: a log price"),
        ("of the log price, simulated", grouped(skewness, np.log(last)), "the jumps' part of it"),
        ("of the log price, closed form", Estimate(float(law.skewness)), "the jumps' part of it"),
    ):
        yield PaperRow("skewness", reading, NOT_PRINTED, estimate, "", "open", why)


def _dear_rows(samples: Mapping[str, PathSample]) -> Iterator[PaperRow]:
    scenarios: list[tuple[str, Follows, str]] = [
        (BASELINE, "no", "the level falls to a third; no path of the baseline comes near"),
        (DEMAND, "open", "ours does not come to it either; the paper's has no parameters"),
    ]
    for scenario, follows, why in scenarios:
        last = samples[scenario].month(LAST_MONTH)
        readings: list[tuple[str, Estimate, Unit]] = [
            ("mean", mean_price(scenario, samples[scenario], month=LAST_MONTH), "$"),
            ("99 % quantile", grouped(partial(_quantile, share=0.99), last), "$"),
            ("paths at $15 or more", _share(last >= _DEAR), "%"),
        ]
        for reading, estimate, unit in readings:
            yield PaperRow(
                "price after 36 months", f"{scenario}, {reading}", "$15", estimate, unit,
                follows, why,
            )  # fmt: skip


def _share(hits: npt.NDArray[np.bool_]) -> Estimate:
    return paired_mean(hits.astype(np.float64))


def _band(row: FloatArray) -> float:
    return _quantile(row, share=0.95) / _quantile(row, share=0.05)


def _quantile(row: FloatArray, *, share: float) -> float:
    return float(np.quantile(row, share))
