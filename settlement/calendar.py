"""The listing calendar: third Wednesdays, last trading days, listed deliveries (RULEBOOK §1).

In: a business date and the holidays in force. Out: the ten listed deliveries; the last trading day
of each. Holidays arrive as configuration, not from a calendar library.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import date, timedelta
from typing import Final

from events.contracts import (
    CONSECUTIVE_MONTHS,
    QUARTER_MONTHS,
    QUARTERS_AFTER,
    Delivery,
    delivery_of,
)

_WEDNESDAY: Final = 2
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


def is_weekday(day: date) -> bool:
    """Monday to Friday."""
    return day.weekday() < _SATURDAY


def third_wednesday(delivery: Delivery) -> date:
    """The third Wednesday of a month, holiday or not."""
    first = date(delivery.year, delivery.month, 1)
    return first + timedelta(days=(_WEDNESDAY - first.weekday()) % 7 + 14)


def last_trading_day(delivery: Delivery, holidays: Container[date]) -> date:
    """The third Wednesday; on a holiday the preceding business day."""
    day = third_wednesday(delivery)
    while day in holidays or not is_weekday(day):
        day -= _DAY
    return day


def front_month(business_date: date, holidays: Container[date]) -> Delivery:
    """The first month whose last trading day is not before the business date."""
    delivery = delivery_of(business_date)
    return delivery if last_trading_day(delivery, holidays) >= business_date else delivery.next


def listed_deliveries(
    business_date: date, holidays: Container[date], *, passed_until: str = ""
) -> list[Delivery]:
    """Six consecutive months from the front month, then the four nearest quarter months.

    passed_until: the text of the last delivery month whose last trading day has passed already;
    a holiday taken back later does not bring it back.
    """
    front = front_month(business_date, holidays)
    listed = [front if front.text > passed_until else front.next]
    while len(listed) < CONSECUTIVE_MONTHS:
        listed.append(listed[-1].next)
    delivery = listed[-1].next
    while len(listed) < CONSECUTIVE_MONTHS + QUARTERS_AFTER:
        if delivery.month in QUARTER_MONTHS:
            listed.append(delivery)
        delivery = delivery.next
    return listed
