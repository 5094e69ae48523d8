"""Which models qualify for the index, and how their price is adjusted (RULEBOOK §2; §5.1, eq. 6).

In: benchmark scores in percent, None where not published. Out: whether it qualifies, S_SIT/S.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

SCORE_MAX: Final = 100


class Scores(NamedTuple):
    """Benchmark scores of a model in percent; None if not published."""

    mmlu: Fraction | None
    humaneval: Fraction | None
    gsm8k: Fraction | None


# The Standard Inference Token's own scores (§5.1).
THRESHOLDS: Final = Scores(mmlu=Fraction(86), humaneval=Fraction(67), gsm8k=Fraction(92))


def qualifies(scores: Scores) -> bool:
    """Whether at least one score is published and each published one reaches its threshold."""
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
