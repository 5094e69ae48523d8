"""Reasons of refusal of the five index commands, in WIRE's order of precedence."""

from __future__ import annotations

import pytest

from events.refusals import Reason, Refusal
from tests.settlement.index.index_desk import Desk, hours, listed

FAILING = ("85", "67", "92")


def reason_of(refusal: Refusal | None) -> Reason | None:
    return None if refusal is None else refusal.reason


def priced() -> Desk:
    desk = listed("p")
    desk.quote("p/m", "1", hours(1))
    return desk


def test_a_price_of_a_model_without_capability_report_is_not_qualified() -> None:
    assert reason_of(Desk().quote("p/m", "-1")) is Reason.NOT_QUALIFIED


def test_a_price_of_a_model_below_a_threshold_is_not_qualified() -> None:
    desk = Desk()
    desk.score("p/m", scores=("85.5", None, "95"))
    refusal = desk.quote("p/m", "1")
    assert refusal == Refusal(
        Reason.NOT_QUALIFIED,
        "the scores 85.5, none, 95 do not reach the thresholds 86, 67, 92",
    )


@pytest.mark.parametrize(
    ("price", "output"), [("-0.01", "5"), ("5", "-0.01"), ("0", "0"), ("-0", "0"), ("-1", "3")]
)
def test_a_negative_price_or_a_blend_of_zero_is_invalid(price: str, output: str) -> None:
    assert reason_of(listed("p").quote("p/m", price, output=output)) is Reason.PRICE_INVALID


def test_one_price_of_zero_is_valid() -> None:
    desk = listed("p")
    assert desk.quote("p/m", "0", output="1") is None
    assert desk.values == [250_000]


def test_an_older_price_is_superseded_an_equal_time_is_taken() -> None:
    desk = priced()
    assert reason_of(desk.quote("p/m", "1.1", hours(1) - 1)) is Reason.SUPERSEDED
    assert desk.quote("p/m", "1.1", hours(1)) is None
    assert desk.values == [1_000_000, 1_100_000]


def test_older_scores_and_volumes_are_superseded_equal_times_are_taken() -> None:
    desk = listed("p", at=hours(1))
    assert reason_of(desk.score("p/m", hours(1) - 1)) is Reason.SUPERSEDED
    assert reason_of(desk.weigh("p", -1, hours(1) - 1)) is Reason.SUPERSEDED
    assert desk.score("p/m", hours(1), scores=FAILING) is None
    assert desk.weigh("p", 2, hours(1)) is None


def test_superseded_goes_before_not_qualified() -> None:
    desk = priced()
    desk.score("p/m", hours(2), scores=FAILING)
    assert reason_of(desk.quote("p/m", "-1", hours(0))) is Reason.SUPERSEDED
    assert reason_of(desk.quote("p/m", "-1", hours(3))) is Reason.NOT_QUALIFIED


def test_negative_tokens_are_an_invalid_value() -> None:
    assert reason_of(Desk().weigh("p", -1)) is Reason.INVALID_VALUE


@pytest.mark.parametrize("score", ["100.1", "-1", "8600"])
def test_scores_that_are_no_percents_are_an_invalid_value(score: str) -> None:
    desk = Desk()
    assert reason_of(desk.score("p/m", scores=(score, None, None))) is Reason.INVALID_VALUE
    assert desk.score("p/m", scores=("100", None, "0")) is None


def test_retiring_asks_for_a_capability_report_only() -> None:
    assert reason_of(Desk().retire("p/m")) is Reason.UNKNOWN_MODEL
    assert listed("p").retire("p/m") is None


@pytest.mark.parametrize("value", ["0", "-1", "0.0000005"])
def test_a_value_from_outside_must_be_a_micro_dollar_at_least(value: str) -> None:
    assert reason_of(Desk("SCU").publish(value)) is Reason.INVALID_VALUE
    assert reason_of(Desk("SIT").publish(value)) is Reason.INVALID_VALUE


def test_sit_does_not_take_its_index_from_outside() -> None:
    desk = priced()
    assert reason_of(desk.publish("1", hours(0))) is Reason.INDEX_NOT_EXTERNAL
    assert reason_of(desk.publish("999999999999999999")) is Reason.INDEX_NOT_EXTERNAL


def test_an_older_value_from_outside_is_superseded() -> None:
    desk = Desk("SCU")
    desk.publish("2", hours(1))
    assert reason_of(desk.publish("3", hours(1) - 1)) is Reason.SUPERSEDED
    assert desk.publish("3", hours(1)) is None


def test_a_product_with_an_index_from_outside_has_no_providers() -> None:
    desk = Desk("SCU")
    assert reason_of(desk.score("p/m")) is Reason.INVALID_VALUE
    assert reason_of(desk.weigh("p", 1)) is Reason.INVALID_VALUE
    assert reason_of(desk.quote("p/m", "1")) is Reason.NOT_QUALIFIED
    assert reason_of(desk.retire("p/m")) is Reason.UNKNOWN_MODEL


def test_micros_beyond_int64_overflow() -> None:
    # 2^63 - 1 micros are 9,223,372,036,854.775807 dollars.
    desk, outside = listed("p"), Desk("SCU")
    assert reason_of(outside.publish("9223372036854.77581")) is Reason.AMOUNT_OVERFLOW
    assert reason_of(desk.quote("p/m", "9223372036854.77581")) is Reason.AMOUNT_OVERFLOW
    assert outside.publish("9223372036854.7758") is None
    assert desk.quote("p/m", "9223372036854.7758") is None


def test_a_refused_command_changes_nothing() -> None:
    desk = priced()
    before = list(desk.facts)
    desk.quote("p/m", "-1", hours(2))
    assert (desk.facts, desk.clock) == (before, hours(1))
