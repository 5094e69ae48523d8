"""The books of one product's index: reports and published values (RULEBOOK §2).

In: a product. Out: the books, their exact inputs at an instant, their state for snapshots and
hashes. Only `apply_index_fact` changes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple, Self

from events.contracts import Product
from settlement.index.formula import (
    IndexStep,
    ReportedPrice,
    Scores,
    adjustment_factor,
    capped_weights,
    qualifies,
    raw_weights,
)
from settlement.index.rules import DEFAULT_RULES, IndexRules


class Volume(NamedTuple):
    """The trailing volume of a provider and the time of its report."""

    tokens: int
    at: int


class ExactInput(NamedTuple):
    """One provider's input to an index value, never rounded, so that every change is seen."""

    provider: str
    model: str
    raw_price: Fraction
    adjusted_price: Fraction
    raw_weight: Fraction
    weight: Fraction


class Fixing(NamedTuple):
    """A daily fixing."""

    business_date: date
    value_micros: int
    is_stale: bool


@dataclass(frozen=True, slots=True)
class ModelBook:
    """One model of a provider: its scores, its accepted and its held price.

    adjusted_price: None without an accepted price, or while the model does not qualify.
    """

    scores: Scores
    scores_at: int
    accepted_price: ReportedPrice | None = None
    held_price: ReportedPrice | None = None
    adjusted_price: Fraction | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Adjust the accepted price once (eq. 6), not at every use."""
        adjusted = None
        if self.accepted_price is not None and qualifies(self.scores):
            adjusted = self.accepted_price.raw_price * adjustment_factor(self.scores)
        object.__setattr__(self, "adjusted_price", adjusted)


@dataclass(slots=True)
class IndexBooks:
    """The reports, values and fixings of a product's index.

    inputs: the exact inputs of the current value; empty without one, when stale or from outside.
    reported_at: the time of the last report of a value from outside, published then or later.
    steps: the published step function of the 9 days before the last fixing, and the step before.
    fixings: the last `fixings_kept`, oldest first. rules: those in force.
    """

    product: Product
    fixings_kept: int
    models: dict[str, dict[str, ModelBook]] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    value_micros: int | None = None
    is_stale: bool = False
    inputs: tuple[ExactInput, ...] = ()
    reported_at: int | None = None
    steps: list[IndexStep] = field(default_factory=list)
    fixings: list[Fixing] = field(default_factory=list)
    rules: IndexRules = DEFAULT_RULES

    def model(self, provider: str, model: str) -> ModelBook | None:
        """The book of a model; None before its first capability report."""
        return self.models.get(provider, {}).get(model)

    def to_state(self) -> dict[str, Any]:
        """The books in JSON's own types, canonical: keys sorted, fractions as "n/d".

        Law: equal books, equal state.
        """
        return {
            "fixings": [[day.isoformat(), value, stale] for day, value, stale in self.fixings],
            "inputs": [
                [each.provider, each.model, *(_ratio(number) for number in each[2:])]
                for each in self.inputs
            ],
            "is_stale": self.is_stale,
            "models": {
                provider: {name: _model_state(models[name]) for name in sorted(models)}
                for provider, models in sorted(self.models.items())
            },
            "product": self.product.code,
            "reported_at": self.reported_at,
            "steps": [list(step) for step in self.steps],
            "value_micros": self.value_micros,
            "volumes": {
                provider: list(volume) for provider, volume in sorted(self.volumes.items())
            },
        }

    @classmethod
    def from_state(cls, product: Product, state: dict[str, Any], *, fixings_kept: int) -> Self:
        """The books of a state. Law: their `to_state` equals it."""
        assert state["product"] == product.code, (state["product"], product.code)
        return cls(
            product=product,
            fixings_kept=fixings_kept,
            models={
                provider: {name: _model_from(each) for name, each in models.items()}
                for provider, models in state["models"].items()
            },
            volumes={provider: Volume(*volume) for provider, volume in state["volumes"].items()},
            value_micros=state["value_micros"],
            is_stale=state["is_stale"],
            inputs=tuple(
                ExactInput(provider, model, *(Fraction(number) for number in numbers))
                for provider, model, *numbers in state["inputs"]
            ),
            reported_at=state["reported_at"],
            steps=[IndexStep(*step) for step in state["steps"]],
            fixings=[
                Fixing(date.fromisoformat(day), value, stale)
                for day, value, stale in state["fixings"]
            ],
        )


def exact_inputs(books: IndexBooks, as_of: int) -> tuple[ExactInput, ...]:
    """The inputs of the index at an instant, by provider name: cheapest price, capped weight.

    Empty when no provider has both a positive volume and a qualified, fresh price.
    """
    chosen = [
        (provider, best)
        for provider in sorted(books.models)
        if _has_volume(books, provider)
        and (best := _cheapest(books, provider, as_of=as_of)) is not None
    ]
    volumes = [books.volumes[provider].tokens for provider, _ in chosen]
    cap = books.rules.cap_of(len(volumes))
    weights = zip(raw_weights(volumes), capped_weights(volumes, cap), strict=True)
    return tuple(
        ExactInput(provider, best.model, best.raw_price, best.adjusted_price, raw, capped)
        for (provider, best), (raw, capped) in zip(chosen, weights, strict=True)
    )


def index_value(inputs: tuple[ExactInput, ...]) -> Fraction:
    """Σ weight · adjusted price, exact (eq. 4)."""
    return sum((each.weight * each.adjusted_price for each in inputs), Fraction(0))


def next_expiry(books: IndexBooks) -> int | None:
    """The first instant at which a price in the index is no longer fresh; None without a price.

    Prices that are not their provider's cheapest are not in the index, so they are left out.
    """
    return min((_freshness_end(books, each) for each in books.inputs), default=None)


class _Cheapest(NamedTuple):
    """A price of a provider, ordered by adjusted price, ties by model name (RULEBOOK §2)."""

    adjusted_price: Fraction
    model: str
    raw_price: Fraction


def _has_volume(books: IndexBooks, provider: str) -> bool:
    volume = books.volumes.get(provider)
    return volume is not None and volume.tokens > 0


def _cheapest(books: IndexBooks, provider: str, *, as_of: int) -> _Cheapest | None:
    return min(
        (
            _Cheapest(model.adjusted_price, name, quote.raw_price)
            for name, model in books.models[provider].items()
            if model.adjusted_price is not None
            and (quote := model.accepted_price) is not None
            and quote.at <= as_of <= quote.at + books.rules.fresh_ns
        ),
        default=None,
    )


def _freshness_end(books: IndexBooks, exact: ExactInput) -> int:
    quote = books.models[exact.provider][exact.model].accepted_price
    assert quote is not None, f"{exact.provider}/{exact.model} stands without a price"
    return quote.at + books.rules.fresh_ns + 1


def _ratio(number: Fraction) -> str:
    return f"{number.numerator}/{number.denominator}"


def _model_state(model: ModelBook) -> dict[str, Any]:
    return {
        "accepted": _quote_state(model.accepted_price),
        "held": _quote_state(model.held_price),
        "scores": [None if score is None else _ratio(score) for score in model.scores],
        "scores_at": model.scores_at,
    }


def _model_from(state: dict[str, Any]) -> ModelBook:
    return ModelBook(
        scores=Scores(*(None if score is None else Fraction(score) for score in state["scores"])),
        scores_at=state["scores_at"],
        accepted_price=_quote_from(state["accepted"]),
        held_price=_quote_from(state["held"]),
    )


def _quote_state(quote: ReportedPrice | None) -> list[Any] | None:
    return None if quote is None else [_ratio(quote.raw_price), quote.at]


def _quote_from(state: list[Any] | None) -> ReportedPrice | None:
    return None if state is None else ReportedPrice(Fraction(state[0]), state[1])
