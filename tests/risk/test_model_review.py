"""The daily review of a margin model: zones by count, two hundred and fifty closes, one model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.exception_tests import zone
from risk.margin import rate
from risk.margin_models import MODELS, PAPER
from risk.model_review import REVIEW_WINDOWS, ModelReview, apply_reviewed, review_model
from risk.side_rates import RatesBySide, side_rates

FIRST = date(2026, 6, 8)
Change = tuple[str, str, int, int]


def changes(
    outcomes: Sequence[bool], *, review: ModelReview | None = None, model: str = "m"
) -> list[Change]:
    """The zones stated over so many closes, with windows and exceptions."""
    review = ModelReview() if review is None else review
    stated: list[Change] = []
    for number, is_exception in enumerate(outcomes):
        day = FIRST + timedelta(number)
        review.note(model, day, is_exception=is_exception)
        fact = review_model(review, "SIT", business_date=day, at=number)
        if fact is not None:
            assert (fact.product, fact.model, fact.business_date) == ("SIT", model, day)
            stated.append((fact.zone_before, fact.zone, fact.windows, fact.exceptions))
            apply_reviewed(review, fact)
    return stated


def test_the_zone_changes_with_the_fifth_and_the_tenth_exception_and_is_stated_once() -> None:
    assert changes([False] * 3 + [True] * 12) == [
        ("green", "yellow", 8, 5),
        ("yellow", "red", 13, 10),
    ]


def test_only_the_last_250_closes_count() -> None:
    assert changes([True] * 5 + [False] * 250) == [
        ("green", "yellow", 5, 5),
        ("yellow", "green", 250, 4),
    ]


def test_another_model_begins_at_none_and_green() -> None:
    review = ModelReview()
    assert len(changes([True] * 10, review=review)) == 2
    assert changes([True] * 4, review=review, model="n") == []
    assert changes([True], review=review, model="n") == [("green", "yellow", 5, 5)]


def test_the_counts_are_those_of_the_binomial_zones_of_250() -> None:
    for count in range(REVIEW_WINDOWS + 1):
        review = ModelReview(outcomes=[1] * count)
        assert review.zone == zone(count, REVIEW_WINDOWS)


@given(outcomes=st.lists(st.booleans(), max_size=300))
def test_a_review_is_the_same_after_a_snapshot(outcomes: list[bool]) -> None:
    review = ModelReview()
    changes(outcomes, review=review)
    loaded = ModelReview.from_state(review.to_state())
    assert loaded == review
    assert loaded.to_state() == review.to_state()
    assert sum(loaded.outcomes) == sum(outcomes[-250:])


@pytest.mark.parametrize(
    ("after", "is_exceeded"),
    [(184, False), (183, True), (220, False), (221, True), (200, False), (10**19, True)],
)
def test_a_move_is_beyond_the_rate_of_the_side_that_loses(after: int, is_exceeded: bool) -> None:  # noqa: FBT001 - a column of the table
    # 8 % of 200 is 16, 10 % is 20: at the rate is not beyond it.
    assert RatesBySide(80_000, 100_000).are_exceeded(200, after) == is_exceeded


def test_a_price_of_zero_has_no_margin_and_any_rise_is_beyond_it() -> None:
    assert RatesBySide(80_000, 80_000).are_exceeded(0, 1)
    assert not RatesBySide(80_000, 80_000).are_exceeded(0, 0)


def test_the_rates_of_a_rate_are_the_rate() -> None:
    assert side_rates(MODELS[PAPER], rate(123_457), settings={}) == (123_457, 123_457)
