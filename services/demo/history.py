"""The real history behind the demonstration: prices, scores and volumes, each with its source.

In: the three CSV files in `data/` (facts restated, see `data/SOURCES.md`). Out: typed rows, and
which of them hold on a given day. Decimal numbers stay the text that was published.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Final

FIRST_BUSINESS_DATE: Final = date(2025, 3, 17)
# Two business days later, on 2025-10-28, Anthropic's last cheap model with published scores was
# retired: the index would triple over night without one price having changed.
LAST_BUSINESS_DATE: Final = date(2025, 10, 24)

VOLUME_WEEKS: Final = 13


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A list price that holds from an instant on, a wrong quote, or a model's retirement."""

    holds_from: datetime
    kind: str
    provider: str
    model: str
    input_usd_per_mtok: str
    output_usd_per_mtok: str
    date_basis: str
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Published benchmark scores of a model, in percent; None where none was published."""

    known_from: date
    provider: str
    model: str
    mmlu: str | None
    humaneval: str | None
    gsm8k: str | None
    is_qualified: bool
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """Tokens of a provider's models measured on one router in the week that ends on a Sunday."""

    week_ending: date
    provider: str
    tokens: int
    source: str


@dataclass(frozen=True, slots=True)
class History:
    """All rows, each table in the order of its dates."""

    prices: tuple[ListPrice, ...]
    scores: tuple[ScoreRow, ...]
    volumes: tuple[VolumeRow, ...]

    def prices_in_force(self, moment: datetime) -> list[ListPrice]:
        """The latest price of each model at a moment, by provider and model; no retired ones."""
        latest: dict[tuple[str, str], ListPrice] = {}
        for row in self.prices:
            if row.kind != "wrong" and row.holds_from <= moment:
                latest[row.provider, row.model] = row
        return [latest[key] for key in sorted(latest) if latest[key].kind == "price"]

    def changes_between(self, after: datetime, until: datetime) -> list[ListPrice]:
        """New prices, wrong quotes, retirements after one moment and until another (included)."""
        return [row for row in self.prices if after < row.holds_from <= until]

    def score_of(self, provider: str, model: str) -> ScoreRow:
        """The scores of a model; every priced model has a row."""
        return next(row for row in self.scores if (row.provider, row.model) == (provider, model))

    def trailing_tokens(self, day: date) -> dict[str, int]:
        """Tokens per provider, by name, over the last 13 measured weeks that ended before the day.

        A provider that was measured once and not in these weeks stands with 0.
        """
        weeks = sorted({row.week_ending for row in self.volumes if row.week_ending < day})
        counted = frozenset(weeks[-VOLUME_WEEKS:])
        tokens: dict[str, int] = {}
        for row in self.volumes:
            if row.week_ending < day:
                share = row.tokens if row.week_ending in counted else 0
                tokens[row.provider] = tokens.get(row.provider, 0) + share
        return {provider: tokens[provider] for provider in sorted(tokens)}


@cache
def load_history() -> History:
    """The history that comes with the package."""
    return History(
        prices=tuple(_price_row(row) for row in _rows("token_prices.csv")),
        scores=tuple(_score_row(row) for row in _rows("model_scores.csv")),
        volumes=tuple(_volume_row(row) for row in _rows("router_tokens.csv")),
    )


def _rows(name: str) -> list[dict[str, str]]:
    """Rows of one of the files; lines that begin with # are for readers."""
    text = (files("services.demo") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _price_row(row: dict[str, str]) -> ListPrice:
    return ListPrice(
        holds_from=datetime.combine(
            date.fromisoformat(row["date"]), time.fromisoformat(row["time_utc"])
        ),
        kind=row["kind"],
        provider=row["provider"],
        model=row["model"],
        input_usd_per_mtok=row["input_usd_per_mtok"],
        output_usd_per_mtok=row["output_usd_per_mtok"],
        date_basis=row["date_basis"],
        source=row["source"],
        note=row["note"],
    )


def _score_row(row: dict[str, str]) -> ScoreRow:
    return ScoreRow(
        known_from=date.fromisoformat(row["date"]),
        provider=row["provider"],
        model=row["model"],
        mmlu=row["mmlu"] or None,
        humaneval=row["humaneval"] or None,
        gsm8k=row["gsm8k"] or None,
        is_qualified=row["qualifies"] == "yes",
        source=row["source"],
        note=row["note"],
    )


def _volume_row(row: dict[str, str]) -> VolumeRow:
    return VolumeRow(
        week_ending=date.fromisoformat(row["week_ending"]),
        provider=row["provider"],
        tokens=int(row["tokens"]),
        source=row["source"],
    )
