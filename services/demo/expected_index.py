"""The token price index that the market expects, from the public history alone.

In: the history and a moment. Out: the index in micro-dollars by RULEBOOK §2, without
holds, wrong quotes and freshness. Traders reckon with it within the day; overnight the published
value stands above it.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Final

from services.demo.history import History, ListPrice, ScoreRow

_THRESHOLDS: Final = (86, 67, 92)
_CAPS: Final = {1: Fraction(1), 2: Fraction(1, 2), 3: Fraction(2, 5)}
_CAP: Final = Fraction(3, 10)


def expected_index_micros(history: History, moment: datetime) -> int:
    """The weighted, adjusted price of a million tokens. Source: eq. 4 to 6."""
    tokens = history.trailing_tokens(moment.date())
    cheapest = _cheapest(history, moment)
    weighed = {name: tokens[name] for name in cheapest if tokens.get(name, 0) > 0}
    weights = _capped_weights(weighed)
    level = sum((weights[name] * cheapest[name] for name in weights), Fraction(0))
    return round(level * 1_000_000)


def _cheapest(history: History, moment: datetime) -> dict[str, Fraction]:
    """The cheapest adjusted price of each provider's qualified models."""
    cheapest: dict[str, Fraction] = {}
    for row in history.prices_in_force(moment):
        score = history.score_of(row.provider, row.model)
        if score.is_qualified:
            price = _adjusted(row, score)
            cheapest[row.provider] = min(price, cheapest.get(row.provider, price))
    return cheapest


# A price counts for weeks, and is asked for at every move of the index.
@cache
def _adjusted(row: ListPrice, score: ScoreRow) -> Fraction:
    """Three parts input, one part output, at the anchor's capability."""
    blend = (3 * Fraction(row.input_usd_per_mtok) + Fraction(row.output_usd_per_mtok)) / 4
    scores = (score.mmlu, score.humaneval, score.gsm8k)
    pairs = [(Fraction(s), t) for s, t in zip(scores, _THRESHOLDS, strict=True) if s is not None]
    return blend * sum(t for _, t in pairs) / sum((s for s, _ in pairs), Fraction(0))


def _capped_weights(tokens: dict[str, int]) -> dict[str, Fraction]:
    """Shares of volume, none above the cap; what is cut off goes to the others by their shares."""
    cap = _CAPS.get(len(tokens), _CAP)
    total = sum(tokens.values())
    weights = {name: Fraction(count, total) for name, count in tokens.items()}
    capped: list[str] = []
    while any(weights[name] > cap for name in weights):
        capped += [name for name in weights if weights[name] > cap]
        free = sum(tokens[name] for name in tokens if name not in capped)
        remaining_share = 1 - cap * len(capped)
        for name, count in tokens.items():
            weights[name] = cap if name in capped else remaining_share * count / free
    return weights
