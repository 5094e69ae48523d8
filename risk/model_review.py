"""The daily review of the margin model of a product: its Basel zone (RULEBOOK §5).

In: for each close whether the move of the day was beyond what either side was asked for at the
close before. Out: the zone by the exceptions of the last 250 closes under one model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, Self

from events.market_facts import MarginModelReviewed
from events.units import parse_date

REVIEW_WINDOWS: Final = 250
# Basel Committee, Supervisory framework for the use of backtesting, January 1996, table 2.
_YELLOW_FROM: Final = 5
_RED_FROM: Final = 10


@dataclass(slots=True)
class ModelReview:
    """The review of a product. outcomes: 1 for an exception, the newest last, of one model.

    day: of the last outcome; zone_stated: the last one stated of the model, green at first.
    """

    model: str = ""
    day: date | None = None
    outcomes: list[int] = field(default_factory=list)
    zone_stated: Literal["green", "yellow", "red"] = "green"

    @property
    def zone(self) -> Literal["green", "yellow", "red"]:
        """The zone as it is now."""
        exceptions = sum(self.outcomes)
        if exceptions >= _RED_FROM:
            return "red"
        return "yellow" if exceptions >= _YELLOW_FROM else "green"

    def note(self, model: str, day: date, *, is_exception: bool) -> None:
        """Add the outcome of a day; the outcomes of another model are forgotten."""
        if model != self.model:
            self.model, self.outcomes, self.zone_stated = model, [], "green"
        self.day = day
        self.outcomes = [*self.outcomes, int(is_exception)][-REVIEW_WINDOWS:]

    def to_state(self) -> list[Any]:
        """The review in plain values."""
        day = None if self.day is None else self.day.isoformat()
        return [self.model, day, "".join(map(str, self.outcomes)), self.zone_stated]

    @classmethod
    def from_state(cls, state: list[Any]) -> Self:
        """The review of a state. Law: its `to_state` equals it."""
        model, day, outcomes, zone_stated = state
        last = None if day is None else parse_date(day)
        return cls(model, last, [int(outcome) for outcome in outcomes], zone_stated)


def review_model(
    review: ModelReview, product: str, *, business_date: date, at: int
) -> MarginModelReviewed | None:
    """The fact of a change of zone at a close; None when the zone is the one stated last."""
    zone = review.zone
    if zone == review.zone_stated:
        return None
    return MarginModelReviewed(
        at=at,
        product=product,
        business_date=business_date,
        model=review.model,
        zone=zone,
        zone_before=review.zone_stated,
        windows=len(review.outcomes),
        exceptions=sum(review.outcomes),
    )


def apply_reviewed(review: ModelReview, fact: MarginModelReviewed) -> None:
    """Note the zone that was stated."""
    review.zone_stated = fact.zone
