"""What a back-test found: for each subject and model its windows and their figures.

In: windows by side. Out: subjects of one kind after the other, and the same as plain values for
JSON: `models` of an index; `contracts`, `portfolios` and `accounts` of a journal by name, each with
its models by name; each model with its sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final, Literal, NamedTuple, Self

from risk.backtest import MarginSide, Review, Window, review_sides
from risk.exception_tests import PROMISED

SubjectKind = Literal["index", "contract", "portfolio", "account"]

# The benchmark of every back-test: the second price limit (RULEBOOK §6).
FLAT: Final = "flat_25"
FLAT_RATE: Final = 0.25
_GROUPS: Final[dict[SubjectKind, str]] = {
    "contract": "contracts",
    "portfolio": "portfolios",
    "account": "accounts",
}


class NothingToTest(Exception):
    """There is no window to judge; the message says why."""


class ModelFigures(NamedTuple):
    """A model on a subject."""

    model: str
    windows: Mapping[MarginSide, Sequence[Window]]
    reviews: Mapping[MarginSide, Review]

    @classmethod
    def of(cls, model: str, windows: Mapping[MarginSide, Sequence[Window]], *, days: int) -> Self:
        """The model with the figures of its windows, at least one on each side."""
        return cls(model, windows, review_sides(windows, days=days))


class Subject(NamedTuple):
    """What was tested. in_force: of a journal, the models by which it was margined, in order."""

    kind: SubjectKind
    name: str
    figures: Sequence[ModelFigures]
    in_force: tuple[str, ...] = ()


class RequiredOn(NamedTuple):
    """What all accounts were asked for at a close, what by paper, and flat, in cents."""

    day: date
    in_force_cents: int
    paper_cents: int
    flat_cents: int


class Backtest(NamedTuple):
    """A back-test. source: where its data are from; first, last: days on which rates were set.

    required: of the accounts of a journal, close by close.
    """

    source: str
    days: int
    first: date
    last: date
    subjects: Sequence[Subject]
    required: Sequence[RequiredOn] = ()


def outcome_tree(backtest: Backtest) -> dict[str, Any]:
    """The back-test in plain values; dates as text, rates as fractions."""
    tree: dict[str, Any] = {
        "source": backtest.source,
        "from": backtest.first.isoformat(),
        "to": backtest.last.isoformat(),
        "days": backtest.days,
        "promised_coverage": 1 - PROMISED,
    }
    for subject in backtest.subjects:
        models = {figures.model: _sides(figures) for figures in subject.figures}
        if subject.kind == "index":
            tree["models"] = models
        else:
            group = tree.setdefault(_GROUPS[subject.kind], {})
            group[subject.name] = {"in_force": [*subject.in_force], "models": models}
    if backtest.required:
        tree["required"] = [
            of_day._asdict() | {"day": of_day.day.isoformat()} for of_day in backtest.required
        ]
    return tree


def _sides(figures: ModelFigures) -> dict[str, Any]:
    return {
        side: asdict(review) | {"breach_dates": [day.isoformat() for day in review.breach_dates]}
        for side, review in figures.reviews.items()
    }
