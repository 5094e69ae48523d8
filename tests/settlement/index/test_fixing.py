"""The daily fixing (RULEBOOK §2): the mean over the hour that ends at the close, by hand."""

from __future__ import annotations

from datetime import timedelta

from events.index_facts import IndexFixed
from events.units import HOUR_NS
from settlement.index.apply import apply_index_fact
from settlement.index.formula import IndexStep, fixing_at
from tests.settlement.index.index_desk import DAY, Desk, hours, listed

CLOSE = hours(21)


def fixed(*steps: tuple[int, int], close_at: int = CLOSE) -> tuple[int, bool] | None:
    published = [IndexStep(at, value, is_stale=False) for at, value in steps]
    return fixing_at(published, close_at, window_ns=HOUR_NS)


def test_a_value_that_stood_all_the_hour_is_the_fixing() -> None:
    assert fixed((hours(3), 2_000_000)) == (2_000_000, False)


def test_values_weigh_by_the_time_they_stood() -> None:
    # 2.00 for 45 minutes, 3.00 for 15.
    steps = ((hours(3), 2_000_000), (hours(20, 45), 3_000_000))
    assert fixed(*steps) == (2_250_000, False)


def test_what_was_replaced_before_the_hour_does_not_count() -> None:
    steps = ((hours(3), 9_000_000), (hours(20), 2_000_000), (hours(20, 30), 4_000_000))
    assert fixed(*steps) == (3_000_000, False)


def test_the_mean_is_rounded_half_to_even() -> None:
    assert fixed((hours(3), 1), (hours(20, 30), 2)) == (2, False)
    assert fixed((hours(3), 2), (hours(20, 30), 3)) == (2, False)


def test_an_index_that_began_inside_the_hour_counts_from_its_first_value() -> None:
    steps = ((hours(20, 30), 2_000_000), (hours(20, 50), 2_500_000))
    assert fixed(*steps) == (2_166_667, False)


def test_a_first_value_at_the_close_is_the_fixing() -> None:
    assert fixed((CLOSE, 7), (CLOSE, 8)) == (8, False)


def test_a_value_at_the_close_or_after_does_not_count() -> None:
    steps = ((hours(3), 2_000_000), (CLOSE, 9_000_000), (hours(22), 9_000_000))
    assert fixed(*steps) == (2_000_000, False)


def test_of_several_values_at_one_instant_the_last_stands() -> None:
    steps = ((hours(20), 1), (hours(20, 30), 500), (hours(20, 30), 3))
    assert fixed(*steps) == (2, False)


def test_no_value_by_the_close_means_no_fixing() -> None:
    assert fixed() is None
    assert fixed((CLOSE + 1, 5)) is None
    assert Desk().fix(CLOSE) is None


def test_stale_at_the_close_fixes_the_last_value_not_the_mean() -> None:
    desk = listed("p")
    desk.quote("p/m", "2", hours(20))
    desk.quote("p/m", "3", hours(20, 30))
    desk.weigh("p", 0, CLOSE)
    fixing = desk.fix(CLOSE)
    assert fixing is not None
    assert (fixing.value_micros, fixing.stale, fixing.at) == (3_000_000, True, CLOSE)


def test_stale_is_judged_at_the_close_not_at_the_clock() -> None:
    desk = listed("p")
    desk.quote("p/m", "2", hours(20))
    desk.weigh("p", 0, CLOSE + 1)
    fixing = desk.fix(CLOSE)
    assert fixing is not None
    assert (fixing.value_micros, fixing.stale) == (2_000_000, False)


def test_a_value_that_grew_stale_inside_the_hour_and_recovered_stood_meanwhile() -> None:
    desk = listed("p")
    desk.quote("p/m", "2", hours(19))
    desk.weigh("p", 0, hours(20, 15))
    desk.weigh("p", 1, hours(20, 30))
    desk.quote("p/m", "3", hours(20, 30))
    fixing = desk.fix(CLOSE)
    assert fixing is not None
    assert (fixing.value_micros, fixing.stale) == (2_500_000, False)


def test_a_price_that_expires_before_the_close_makes_the_fixing_stale() -> None:
    desk = listed("p")
    desk.quote("p/m", "2", hours(-16))
    fixing = desk.fix(CLOSE)
    assert fixing is not None
    assert fixing.stale


def test_the_last_21_fixings_are_kept() -> None:
    desk = Desk()
    days = [DAY + timedelta(days=count) for count in range(30)]
    for count, day in enumerate(days):
        fact = IndexFixed(
            at=CLOSE, product="SIT", business_date=day, value_micros=count, stale=False
        )
        apply_index_fact(desk.books, fact)
    assert [fixing.business_date for fixing in desk.books.fixings] == days[9:]


def test_a_fixing_forgets_steps_but_nine_days_and_the_last_one_before() -> None:
    desk = Desk("SCU")
    for day in (0, 1, 3, 5, 11):
        desk.publish("1", hours(24 * day))
    assert len(desk.books.steps) == 5
    desk.fix(hours(24 * 12))
    assert [step.at for step in desk.books.steps] == [hours(24 * day) for day in (1, 3, 5, 11)]
    desk.fix(hours(24 * 12) + 1)
    assert [step.at for step in desk.books.steps] == [hours(24 * day) for day in (3, 5, 11)]
