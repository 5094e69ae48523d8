"""The formula of the Token Price Index, step by step (RULEBOOK §2; paper §5.2, eq. 4-6).

In: benchmark scores, list prices, volumes, the published step function. Out: whether a model
qualifies; the factor of its price; the raw price; exact weights with no provider above the cap; the
daily fixing. Fractions throughout: only published numbers are rounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from events.units import round_half_even

SCORE_MAX: Final = 100


class Scores(NamedTuple):
    """Benchmark scores of a model in percent; None if not published."""

    mmlu: Fraction | None
    humaneval: Fraction | None
    gsm8k: Fraction | None


# The Standard Inference Token's own scores (paper §5.1).
THRESHOLDS: Final = Scores(mmlu=Fraction(86), humaneval=Fraction(67), gsm8k=Fraction(92))


def qualifies(scores: Scores) -> bool:
    """Whether a score is published and every published score reaches its threshold."""
    published = _published(scores)
    return bool(published) and all(score >= threshold for score, threshold in published)


def adjustment_factor(scores: Scores) -> Fraction:
    """S_SIT/S of a model that qualifies: both means over the benchmarks it publishes (eq. 6).

    Law: above 0 and at most 1, since every score reaches its threshold.
    """
    published = _published(scores)
    return Fraction(
        sum(threshold for _, threshold in published), sum(score for score, _ in published)
    )


def _published(scores: Scores) -> list[tuple[Fraction, Fraction]]:
    return [
        (score, threshold)
        for score, threshold in zip(scores, THRESHOLDS, strict=True)
        if score is not None and threshold is not None
    ]


class ReportedPrice(NamedTuple):
    """A raw price and the time of its report."""

    raw_price: Fraction
    at: int


def blend(input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal) -> Fraction:
    """The raw price: three parts of input and one of output, exact for any number of digits."""
    parts = 3 * Fraction(input_usd_per_mtok) + Fraction(output_usd_per_mtok)
    return parts * Fraction(1, 4)


def raw_weights(volumes: Sequence[int]) -> list[Fraction]:
    """Shares of the volume (eq. 5). volumes: all positive."""
    total = sum(volumes)
    return [Fraction(volume, total) for volume in volumes]


def capped_weights(volumes: Sequence[int], cap: Fraction) -> list[Fraction]:
    """Shares of the volume, none above the cap. volumes: all positive; cap: at least 1/n of them.

    In each round the uncapped providers share the uncapped weight by volume. Every round but the
    last caps one more; a cap of 30 % has room for three.
    Law: the weights sum to one.
    """
    is_capped = [False] * len(volumes)
    while True:
        uncapped_weight = 1 - cap * sum(is_capped)
        uncapped_volume = sum(
            volume for volume, capped in zip(volumes, is_capped, strict=True) if not capped
        )
        weights = [
            cap if capped else uncapped_weight * Fraction(volume, uncapped_volume)
            for volume, capped in zip(volumes, is_capped, strict=True)
        ]
        if all(weight <= cap for weight in weights):
            return weights
        is_capped = [
            capped or weight > cap for weight, capped in zip(weights, is_capped, strict=True)
        ]


class IndexStep(NamedTuple):
    """The published value from an instant on."""

    at: int
    value_micros: int
    is_stale: bool


def fixing_at(
    steps: Sequence[IndexStep], close_at: int, *, window_ns: int
) -> tuple[int, bool] | None:
    """The fixing in micro-dollars and whether it is stale; None without a value by the close.

    steps: in time order; steps after the close do not count, of several at one instant the last.
    """
    published = steps[: bisect_right(steps, close_at, key=lambda step: step.at)]
    if not published:
        return None
    last = published[-1]
    start = max(close_at - window_ns, published[0].at)
    if last.is_stale or start == close_at:
        return last.value_micros, last.is_stale
    ends = [*(step.at for step in published[1:]), close_at]
    weighed = sum(
        step.value_micros * max(0, end - max(start, step.at))
        for step, end in zip(published, ends, strict=True)
    )
    return round_half_even(Fraction(weighed, close_at - start)), False
