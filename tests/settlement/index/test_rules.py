"""Each sentence of RULEBOOK §2 on qualification, weights, prices and publication, by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from events.index_facts import IndexPublished, IndexStale, ModelRetired, ProviderPriceReported
from settlement.index.books import exact_inputs
from settlement.index.formula import (
    THRESHOLDS,
    Scores,
    adjustment_factor,
    capped_weights,
    qualifies,
)
from settlement.index.rules import DEFAULT_RULES
from tests.settlement.index.index_desk import START, Desk, hours, listed


def scores(*texts: str | None) -> Scores:
    return Scores(*(None if text is None else Fraction(text) for text in texts))


def test_the_thresholds_are_the_papers() -> None:
    assert scores("86", "67", "92") == THRESHOLDS


@pytest.mark.parametrize(
    ("given", "is_in"),
    [
        (("86", "67", "92"), True),
        (("85.999999", "99", "99"), False),
        (("99", "66.9", "99"), False),
        (("99", "99", "91.9"), False),
        (("86", None, None), True),
        ((None, "67", "92"), True),
        ((None, None, "91"), False),
        ((None, None, None), False),
    ],
)
def test_every_published_score_must_reach_its_threshold(
    given: tuple[str | None, ...], *, is_in: bool
) -> None:
    assert qualifies(scores(*given)) is is_in


def test_the_factor_compares_the_means_of_the_same_benchmarks() -> None:
    assert adjustment_factor(scores("90", "70", "98")) == Fraction(245, 258)
    assert adjustment_factor(scores("90", None, "94")) == Fraction(178, 184)
    assert adjustment_factor(THRESHOLDS) == 1


def test_a_better_model_counts_at_a_lower_price() -> None:
    desk = Desk()
    desk.score("p/m", scores=("100", None, None))
    desk.weigh("p", 1)
    desk.quote("p/m", "2")
    stated = desk.all_of(IndexPublished)[0]
    assert stated.value_micros == 1_720_000  # 2 x 86 / 100
    assert (stated.inputs[0].raw_price_micros, stated.inputs[0].adjusted_price_micros) == (
        2_000_000,
        1_720_000,
    )


def test_gpt_4_opens_the_real_history_at_its_first_value() -> None:
    # data/tpi_daily.csv, 2023-03-14: 37.440096, s_ratio rounded to 1.0016; exact 37.5 x 245/245.4.
    desk = Desk()
    desk.score("openai/gpt-4", scores=("86.4", "67.0", "92.0"))
    desk.weigh("openai", 1)
    desk.quote("openai/gpt-4", "30", output="60")
    assert desk.values == [37_438_875]
    assert abs(desk.values[0] - 37_440_096) < 2_000


def test_the_blend_is_three_parts_of_input_and_one_of_output() -> None:
    desk = listed("p")
    desk.quote("p/m", "1", output="2")
    assert desk.values == [1_250_000]


def test_only_the_published_value_is_rounded_half_to_even() -> None:
    desk = listed("p")
    desk.quote("p/m", "0.0000005")
    desk.quote("p/m", "0.0000015")
    assert desk.values == [0, 2]


@pytest.mark.parametrize(
    ("providers", "cap"), [(1, "1"), (2, "1/2"), (3, "2/5"), (4, "3/10"), (9, "3/10")]
)
def test_the_cap_is_relaxed_below_four_providers(providers: int, cap: str) -> None:
    assert DEFAULT_RULES.cap_of(providers) == Fraction(cap)


@pytest.mark.parametrize(
    ("volumes", "weights"),
    [
        ((7,), ["1"]),
        ((99, 1), ["1/2", "1/2"]),
        ((6, 2, 1), ["2/5", "2/5", "1/5"]),
        ((60, 20, 10, 10), ["3/10", "3/10", "1/5", "1/5"]),
        ((1, 1, 1, 1), ["1/4"] * 4),
        ((30, 30, 30, 10), ["3/10", "3/10", "3/10", "1/10"]),
        ((1000, 1000, 1000, 1), ["3/10", "3/10", "3/10", "1/10"]),
        # Excess .1 to .3 .2 .1: what goes to b above its cap goes on to c and d, two to one.
        ((40, 30, 20, 10), ["3/10", "3/10", "4/15", "2/15"]),
    ],
)
def test_excess_goes_to_the_uncapped_pro_rata(volumes: list[int], weights: list[str]) -> None:
    cap = DEFAULT_RULES.cap_of(len(volumes))
    assert capped_weights(volumes, cap) == [Fraction(weight) for weight in weights]


def test_the_cheapest_adjusted_price_counts_not_the_cheapest_list_price() -> None:
    desk = Desk()
    desk.score("p/plain", scores=("86", None, None))
    desk.score("p/clever", scores=("100", None, None))
    desk.weigh("p", 1)
    desk.quote("p/plain", "1.80")
    desk.quote("p/clever", "2.00")  # 1.72 adjusted
    assert [each.model for each in desk.all_of(IndexPublished)[-1].inputs] == ["clever"]


def test_a_tie_of_prices_goes_to_the_first_model_by_name() -> None:
    desk = Desk()
    desk.weigh("p", 1)
    for model in ("p/n", "p/m", "p/o"):
        desk.score(model)
        desk.quote(model, "1")
    assert [fact.inputs[0].model for fact in desk.all_of(IndexPublished)] == ["n", "m"]


def test_inputs_stand_by_provider_name_whatever_the_order_of_reports() -> None:
    desk = listed("c", "a", "b")
    for provider in ("b", "c", "a"):
        desk.quote(f"{provider}/m", "1")
    assert [each.provider for each in desk.all_of(IndexPublished)[-1].inputs] == ["a", "b", "c"]


def test_weights_are_rounded_only_for_reading() -> None:
    desk = listed("a", "b", "c")
    for provider, price in (("a", "1"), ("b", "1"), ("c", "2")):
        desk.quote(f"{provider}/m", price)
    stated = desk.all_of(IndexPublished)[-1]
    assert [each.weight_ppm for each in stated.inputs] == [333_333] * 3
    assert stated.value_micros == 1_333_333  # 4/3; of the printed weights it would be 1,333,332


def test_a_price_is_fresh_for_36_hours_and_leaves_the_nanosecond_after() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.move_to(hours(36))
    assert desk.all_of(IndexStale) == []
    desk.move_to(hours(40))
    stale = desk.all_of(IndexStale)[0]
    assert (stale.at, stale.value_micros) == (hours(36) + 1, 1_000_000)


def test_a_look_at_the_36th_hour_still_finds_the_price() -> None:
    desk = listed("a", "b")
    desk.quote("a/m", "1")
    desk.quote("b/m", "2", hours(1))
    desk.weigh("c", 1, hours(36))
    desk.quote("b/m", "4", hours(36))
    assert desk.values == [1_000_000, 1_500_000, 2_500_000]


def test_a_renewal_keeps_a_price_in_and_publishes_nothing() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.quote("p/m", "1", hours(36))
    desk.move_to(hours(72))
    assert (desk.values, desk.all_of(IndexStale)) == ([1_000_000], [])


def test_expiries_happen_each_at_its_own_instant_in_time_order() -> None:
    desk = listed("a", "b", "c")
    for provider, hour in (("c", 1), ("a", 2), ("b", 3)):
        desk.quote(f"{provider}/m", str(hour), hours(hour))
    desk.move_to(hours(100))
    published = [(fact.at, fact.value_micros) for fact in desk.all_of(IndexPublished)[3:]]
    assert published == [(hours(37) + 1, 2_500_000), (hours(38) + 1, 3_000_000)]
    assert [fact.at for fact in desk.all_of(IndexStale)] == [hours(39) + 1]


def test_two_prices_that_end_together_leave_together() -> None:
    desk = listed("a", "b", "c")
    for provider, hour in (("a", 0), ("b", 0), ("c", 1)):
        desk.quote(f"{provider}/m", str(hour + 1), hours(hour))
    desk.move_to(hours(37))
    assert [fact.at for fact in desk.all_of(IndexPublished)[3:]] == [hours(36) + 1]
    assert desk.values[-1] == 2_000_000


def test_a_dearer_model_takes_over_when_the_cheapest_expires() -> None:
    desk = listed("p")
    desk.score("p/dear")
    desk.quote("p/m", "1")
    desk.quote("p/dear", "2", hours(1))
    desk.move_to(hours(38))
    stated = desk.all_of(IndexPublished)[-1]
    assert (stated.at, stated.value_micros) == (hours(36) + 1, 2_000_000)
    assert desk.all_of(IndexStale)[0].at == hours(37) + 1


def test_a_price_that_is_not_the_cheapest_leaves_without_a_word() -> None:
    desk = listed("p")
    desk.score("p/dear")
    desk.quote("p/dear", "2")
    desk.quote("p/m", "1", hours(1))
    desk.move_to(hours(37))
    assert desk.values == [2_000_000, 1_000_000]


def test_a_late_report_that_has_expired_is_accepted_but_not_in_the_index() -> None:
    desk = listed("p", at=hours(0))
    desk.clock = hours(40)
    assert desk.quote("p/m", "1", hours(3)) is None
    assert desk.all_of(ProviderPriceReported)[0].disposition == "accepted"
    assert desk.values == []


def test_a_late_report_is_published_at_the_shards_clock() -> None:
    desk = listed("p")
    desk.clock = hours(30)
    desk.quote("p/m", "1", hours(3))
    assert desk.all_of(ProviderPriceReported)[0].at == hours(3)
    assert desk.all_of(IndexPublished)[0].at == hours(30)


def test_a_late_report_that_has_expired_does_not_revive_a_stale_index() -> None:
    desk = listed("p")
    desk.clock = hours(30)
    desk.quote("p/m", "1", hours(-1))
    desk.move_to(hours(36))
    desk.quote("p/m", "1.1", hours(-1, 30))
    assert (desk.values, len(desk.all_of(IndexStale))) == ([1_000_000], 1)


def test_a_model_that_fails_leaves_and_comes_back_with_its_price() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.score("p/m", hours(1), scores=("85", "67", "92"))
    desk.score("p/m", hours(2), scores=("86", None, None))
    assert [fact.at for fact in desk.all_of(IndexStale)] == [hours(1)]
    assert desk.values == [1_000_000, 1_000_000]
    assert desk.books.is_stale is False


def test_a_report_that_changes_no_exact_input_publishes_nothing() -> None:
    desk = listed("a", "b")
    desk.quote("a/m", "1")
    desk.quote("b/m", "2")
    desk.weigh("a", 5, hours(1))
    desk.weigh("b", 5, hours(2))
    desk.score("a/m", hours(3), scores=(None, "67", None))
    assert len(desk.values) == 4  # 1; 1.5; weights 5:1; weights 1:1 again


def test_inputs_that_change_below_a_printed_digit_are_published() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.quote("p/m", "1.00000000001", hours(1))
    assert desk.values == [1_000_000, 1_000_000]


def test_tokens_of_zero_take_the_provider_out() -> None:
    desk = listed("a", "b")
    desk.quote("a/m", "1")
    desk.quote("b/m", "3")
    desk.weigh("b", 0, hours(1))
    assert desk.values == [1_000_000, 2_000_000, 1_000_000]
    assert desk.all_of(IndexPublished)[-1].cap_ppm == 1_000_000


def test_a_provider_without_a_volume_is_not_in_the_index() -> None:
    desk = Desk()
    desk.score("p/m")
    desk.quote("p/m", "1")
    assert desk.values == []
    desk.weigh("p", 10)
    assert desk.values == [1_000_000]


def test_raw_weights_are_shares_of_the_providers_in_the_index_only() -> None:
    desk = listed("a", "b")
    desk.weigh("idle", 1000)
    desk.quote("a/m", "1")
    assert desk.all_of(IndexPublished)[0].inputs[0].raw_weight_ppm == 1_000_000


def test_the_index_is_stale_once_and_only_after_a_value() -> None:
    desk = listed("p")
    desk.weigh("p", 0, hours(1))
    assert desk.all_of(IndexStale) == []
    desk.weigh("p", 1, hours(2))
    desk.quote("p/m", "1", hours(2))
    for hour in (3, 4):
        desk.weigh("p", 0, hours(hour))
    assert [fact.at for fact in desk.all_of(IndexStale)] == [hours(3)]
    assert (desk.books.value_micros, desk.books.is_stale) == (1_000_000, True)


def test_recovery_publishes_even_the_value_that_stood() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.weigh("p", 0, hours(1))
    desk.weigh("p", 1, hours(2))
    assert desk.values == [1_000_000, 1_000_000]


def test_retiring_forgets_the_prices_not_the_scores() -> None:
    desk = listed("p")
    desk.quote("p/m", "1")
    desk.quote("p/m", "9", hours(1))
    assert desk.retire("p/m", hours(2)) is None
    assert [fact.at for fact in desk.all_of(IndexStale)] == [hours(2)]
    assert desk.quote("p/m", "9", hours(1)) is None  # no hold waits for its hour
    assert desk.values == [1_000_000, 9_000_000]


def test_retiring_a_model_without_a_price_changes_no_value() -> None:
    desk = listed("p")
    assert desk.retire("p/m") is None
    assert (len(desk.all_of(ModelRetired)), desk.values) == (1, [])


def test_a_value_from_outside_is_the_value_published() -> None:
    desk = Desk("SCU")
    for value in ("2.49", "2.49", "2.4900005"):
        desk.publish(value)
    stated: list[Any] = desk.all_of(IndexPublished)
    assert desk.values == [2_490_000, 2_490_000, 2_490_000]
    assert [(each.cap_ppm, each.inputs) for each in stated] == [(None, ())] * 3


def test_a_late_value_from_outside_stands_from_the_shards_clock() -> None:
    desk = Desk("SCU")
    desk.clock = hours(5)
    desk.publish("2.49", hours(1))
    assert desk.all_of(IndexPublished)[0].at == hours(5)


def test_a_value_from_outside_never_grows_stale() -> None:
    desk = Desk("SCU")
    desk.publish("2.49")
    desk.move_to(hours(1000))
    assert desk.all_of(IndexStale) == []


def test_no_inputs_without_reports() -> None:
    assert exact_inputs(Desk().books, START) == ()
