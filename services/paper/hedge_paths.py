"""Hedging programmes on simulated paths: futures by the closed form, bills at an own price.

In: scenarios, a plan of tokens, how many paths, a seed. Out: for each scenario a programme of a
firm that buys at the index and one of a firm with a price of its own. The tokens of a month are
bought at the price of its end, when its contract settles; a month is 21 trading days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import expm1, log
from typing import Final, NamedTuple

import numpy as np

from events.parameters import PARAMETERS
from risk.hedge import MONTHS_A_QUARTER, Leg, MarginRates, front_legs, strip_legs
from risk.hedge_margin import eq_7_rates, margins_of, scan_rates
from risk.margin_models import MODELS, PAPER
from risk.price_curve import futures_prices
from risk.price_model import MONTHS, FloatArray, OutOfDomain, PriceModel
from risk.price_scenarios import PRICE_SCENARIOS, START_PRICE, PriceScenario
from services.paper.hedge_programme import Programme
from services.paper.simulation import HORIZON_YEARS, MONTH_STEPS, log_blocks

FRONT, STRIP = "front", "strip"
# As far as contracts are listed when the last month was a quarter's: 6 months and 4 quarters.
MONTHS_MAX: Final[dict[str, int]] = {FRONT: MONTHS * HORIZON_YEARS, STRIP: 18}
# The log of a firm's price over the index, as measured of the calmest provider with twenty months
# of the real history (anthropic, 22 third Wednesdays): a deviation of 0.43 and monthly changes of
# 0.224, which a reversion of −12 ln(1 − 0.224²/(2 · 0.43²)) = 1.75 a year joins.
BASIS_SD: Final = 0.43
BASIS_KAPPA: Final = 1.75
_MIRRORED: Final = 2
_ROUNDING: Final = 1e-12
EQ_7_SETTINGS: Final = {name: int(PARAMETERS[name].default) for name in MODELS[PAPER].parameters}


class PathPlan(NamedTuple):
    """What is simulated. mtok: (months,); volume_sd: of the log of a month's tokens, planned = 1.

    basis_sd: of the log of the firm's price over the index, when long enough on its own.
    """

    mtok: FloatArray
    roll: str
    pairs: int
    seed: int
    basis_sd: float
    volume_sd: float


class MonthEnds(NamedTuple):
    """Log prices (months + 1, paths), the start first; margin by both models (months, paths)."""

    logs: FloatArray
    scan: MarginRates
    eq_7: MarginRates


def path_programmes(
    scenarios: Sequence[PriceScenario], plan: PathPlan, *, advance: Callable[[int, str], None]
) -> Iterator[Programme]:
    """Two programmes of each scenario. advance: is told of the paths done. Errors: OutOfDomain."""
    for done, scenario in enumerate(scenarios):
        number = [*PRICE_SCENARIOS].index(scenario.name)

        def in_all(paths: int, *, note: str = scenario.name, before: int = done) -> None:
            advance(_MIRRORED * plan.pairs * before + paths, note)

        closes = _closes(
            scenario.model, plan, rng=np.random.default_rng([plan.seed, number]), advance=in_all
        )
        rng = np.random.default_rng([plan.seed, number, 1])
        yield from programmes_on(scenario, closes, plan=plan, rng=rng)


def _closes(
    model: PriceModel,
    plan: PathPlan,
    *,
    rng: np.random.Generator,
    advance: Callable[[int], None],
) -> MonthEnds:
    """The ends of months; originals of all blocks first, then their mirror images."""
    months = plan.mtok.size
    blocks: list[FloatArray] = []
    done = 0
    for block in log_blocks(model, rng, pairs=plan.pairs):
        start = np.full((1, block.shape[1]), log(START_PRICE))
        days = np.concatenate([start, block[: months * MONTH_STEPS]])
        begins = [month * MONTH_STEPS for month in range(months)]
        scan = margins_of([scan_rates(days, day) for day in begins])
        eq_7 = margins_of([eq_7_rates(days, day, settings=EQ_7_SETTINGS) for day in begins])
        rows = np.concatenate([days[::MONTH_STEPS], *scan, *eq_7])
        blocks.append(rows.reshape(-1, _MIRRORED, block.shape[1] // _MIRRORED))
        done += block.shape[1]
        advance(done)
    paths = np.concatenate(blocks, axis=-1).reshape(blocks[0].shape[0], -1)
    logs, rates = paths[: months + 1], paths[months + 1 :].reshape(4, months, -1)
    return MonthEnds(logs, MarginRates(*rates[:2]), MarginRates(*rates[2:]))


def programmes_on(
    scenario: PriceScenario, closes: MonthEnds, *, plan: PathPlan, rng: np.random.Generator
) -> Iterator[Programme]:
    """Two programmes on paths of a scenario, one that buys at the index and one that does not."""
    model = scenario.model
    months = plan.mtok.size
    planned = plan.mtok[:, np.newaxis]
    tokens = planned * _chance(plan, rng, deviations=np.full(months, plan.volume_sd), carried=0)
    ends = np.arange(1, months + 1) / MONTHS
    budget = float(plan.mtok @ futures_prices(model, log(START_PRICE), now=0.0, expiry=ends))
    legs = _legs(model, closes.logs, roll=plan.roll)
    prices = np.exp(closes.logs[1:])
    for whose, own_prices in (
        ("at the index", prices),
        ("own price", prices * own_over_index(plan, rng)),
    ):
        bills = (tokens * own_prices).sum(axis=0)
        if np.ptp(bills) <= _ROUNDING * bills.max():
            msg = "sigma, jump_rate: expected prices that move, found bills that are all the same"
            raise OutOfDomain(msg)
        budgets = np.full(bills.size, budget)
        yield Programme(
            f"{scenario.name}, {whose}",
            planned,
            bills,
            budgets,
            legs,
            closes.scan,
            closes.eq_7,
            _MIRRORED,
        )


def own_over_index(plan: PathPlan, rng: np.random.Generator) -> FloatArray:
    """A firm's price over the index (months, paths): 1 on average, and at the start.

    Its log is drawn back to its mean at BASIS_KAPPA and knows nothing of the index.
    """
    ends = np.arange(1, plan.mtok.size + 1) / MONTHS
    deviations = plan.basis_sd * np.sqrt(-np.expm1(-2 * BASIS_KAPPA * ends))
    return _chance(plan, rng, deviations=deviations, carried=1 + expm1(-BASIS_KAPPA / MONTHS))


def _chance(
    plan: PathPlan, rng: np.random.Generator, *, deviations: FloatArray, carried: float
) -> FloatArray:
    """Lognormal factors of mean 1 (months, paths), mirror images behind.

    deviations: (months,) of their logs; carried: what a log has of the month's before.
    """
    normals = rng.standard_normal((deviations.size, plan.pairs))
    logs = np.zeros_like(normals)
    before, deviation_before = np.zeros(plan.pairs), 0.0
    for month, deviation in enumerate(deviations.tolist()):
        new = max(0.0, deviation**2 - (carried * deviation_before) ** 2) ** 0.5
        logs[month] = carried * before + new * normals[month]
        before, deviation_before = logs[month], deviation
    both = np.concatenate([logs, -logs], axis=1)
    return np.asarray(np.exp(both - deviations[:, np.newaxis] ** 2 / 2))


def _legs(model: PriceModel, logs: FloatArray, *, roll: str) -> list[Leg]:
    months = logs.shape[0] - 1
    times = np.arange(months + 1)[:, np.newaxis] / MONTHS
    if roll == FRONT:
        openings = futures_prices(model, logs[:-1], now=times[:-1], expiry=times[1:])
        return front_legs(openings, np.exp(logs[1:]))
    curves = []
    for last in range(MONTHS_A_QUARTER, months + MONTHS_A_QUARTER, MONTHS_A_QUARTER):
        until = slice(0, min(last, months) + 1)
        curves.append(
            futures_prices(model, logs[until], now=times[until], expiry=np.array(last / MONTHS))
        )
    return strip_legs(curves, months)
