"""Third Wednesdays and what is listed (RULEBOOK §1), against published dates and by hand."""

from __future__ import annotations

from datetime import date

import pytest

from events.contracts import Delivery
from settlement.calendar import (
    front_month,
    is_weekday,
    last_trading_day,
    listed_deliveries,
    third_wednesday,
)

# IMM dates as CME Group publishes them: the third Wednesdays of the quarter months.
PUBLISHED = (
    *("2023-03-15", "2023-06-21", "2023-09-20", "2023-12-20"),
    *("2024-03-20", "2024-06-19", "2024-09-18", "2024-12-18"),
    *("2025-03-19", "2025-06-18", "2025-09-17", "2025-12-17"),
    *("2026-03-18", "2026-06-17", "2026-09-16", "2026-12-16"),
    *("2027-03-17", "2027-06-16", "2027-09-15", "2027-12-15"),
)
JUNETEENTH = {date(2024, 6, 19), date(2030, 6, 19)}


def symbols(text: str, holidays: set[date] | None = None) -> str:
    listed = listed_deliveries(date.fromisoformat(text), holidays or set())
    return " ".join(each.text[2:] for each in listed)


@pytest.mark.parametrize("published", PUBLISHED)
def test_the_third_wednesdays_are_the_published_ones(published: str) -> None:
    day = date.fromisoformat(published)
    assert third_wednesday(Delivery(day.year, day.month)) == day


@pytest.mark.parametrize(("month", "day"), [(4, 15), (7, 15), (8, 19), (2, 18), (1, 21), (10, 21)])
def test_the_third_wednesday_lies_from_the_15th_to_the_21st(month: int, day: int) -> None:
    assert third_wednesday(Delivery(2026, month)) == date(2026, month, day)


@pytest.mark.parametrize("year", [2024, 2030])
def test_a_third_wednesday_that_is_a_holiday_moves_to_the_day_before(year: int) -> None:
    assert last_trading_day(Delivery(year, 6), JUNETEENTH) == date(year, 6, 18)
    assert last_trading_day(Delivery(year, 6), set()) == date(year, 6, 19)


def test_holidays_from_monday_on_move_it_over_the_weekend() -> None:
    holidays = {date(2026, 6, day) for day in (15, 16, 17)}
    assert last_trading_day(Delivery(2026, 6), holidays) == date(2026, 6, 12)


def test_business_dates_are_monday_to_friday() -> None:
    week = [date(2026, 6, day) for day in range(15, 22)]
    assert [is_weekday(day) for day in week] == [True] * 5 + [False] * 2


def test_the_front_month_is_the_first_whose_last_trading_day_is_not_before_the_date() -> None:
    assert front_month(date(2026, 6, 17), set()) == Delivery(2026, 6)
    assert front_month(date(2026, 6, 18), set()) == Delivery(2026, 7)
    assert front_month(date(2024, 6, 19), JUNETEENTH) == Delivery(2024, 7)


def test_six_months_then_the_four_nearest_quarter_months_are_listed() -> None:
    june = "26-06 26-07 26-08 26-09 26-10 26-11 26-12 27-03 27-06 27-09"
    assert symbols("2026-06-08") == june
    assert symbols("2026-06-17") == june


def test_after_a_december_expiry_the_list_begins_in_the_next_year() -> None:
    listed = "27-01 27-02 27-03 27-04 27-05 27-06 27-09 27-12 28-03 28-06"
    assert symbols("2026-12-17") == listed


@pytest.mark.parametrize("month", range(1, 13))
def test_there_are_always_ten_expiries_in_rising_order(month: int) -> None:
    for day in (1, 28):
        listed = listed_deliveries(date(2026, month, day), set())
        assert len(listed) == 10
        assert listed == sorted(set(listed))


def test_a_month_that_has_passed_is_not_the_front_month_again() -> None:
    """Its last trading day was a holiday's eve; then the holiday was taken back."""
    session = date(2026, 6, 17)
    listed = listed_deliveries(session, set(), passed_until="2026-06")
    assert listed == listed_deliveries(date(2026, 6, 18), set())
    assert listed_deliveries(session, set(), passed_until="2026-05")[0] == Delivery(2026, 6)
