"""`paths`: paths of the price model with jumps, against the drawing of their normals alone.

Numbers a second, a number being a path at a step, in CPU seconds of one thread, the best of TRIES,
by turns: `process` is X of eq. 11 with every path's own normals; `pairs` the same in antithetic
pairs, which draw half of them, in blocks as `clearing paper` has them. prices: of both the rate
over the baseline when the exponential of every number is taken too, for the record.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np

from risk.price_paths import Draws, log_paths, mirrored, price_paths
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS, START_PRICE, STEPS_A_YEAR
from services.paper.draws import draw
from tests.bench.figure import Figure, line_of

TRIES: Final = 5
_STEP: Final = 1 / STEPS_A_YEAR
_BLOCK: Final = 1_000


def run(_: Path, *, paths: int, steps: int) -> dict[str, Any]:
    """So many paths of so many days."""
    rng = np.random.default_rng(1)
    model = PRICE_SCENARIOS[BASELINE].model

    def drawn(count: int) -> Draws:
        return draw(model, rng, pairs=count, steps=steps, step_years=_STEP)

    def logs(draws: Draws) -> None:
        log_paths(model, draws, log_price=0.7, step_years=_STEP)

    def prices(draws: Draws) -> None:
        price_paths(model, draws, price=START_PRICE, step_years=_STEP)

    def paired(take: Callable[[Draws], None]) -> None:
        for first in range(0, paths // 2, _BLOCK):
            take(mirrored(drawn(min(_BLOCK, paths // 2 - first)), model))

    tasks: list[Callable[[], object]] = [
        lambda: rng.standard_normal((steps, paths)),
        lambda: logs(drawn(paths)),
        lambda: paired(logs),
        lambda: prices(drawn(paths)),
        lambda: paired(prices),
    ]
    tries = [[_seconds(task) for task in tasks] for _number in range(TRIES)]
    bare, process, pairs, priced, priced_pairs = map(min, zip(*tries, strict=True))
    count = paths * steps
    figures = [
        Figure("process", "1/s", count / process, count / bare, 0.6, "at_least"),
        Figure("pairs", "1/s", count / pairs, count / bare, 0.6, "at_least"),
    ]
    of_prices = [bare / priced, bare / priced_pairs]
    return line_of("paths", figures, paths=paths, steps=steps, prices=of_prices)


def _seconds(task: Callable[[], object]) -> float:
    begun = process_time()
    task()
    return process_time() - begun
