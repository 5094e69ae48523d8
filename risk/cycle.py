"""A cycle of the house: its day, name and time, and the deadline of its calls (RULEBOOK §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from events.units import MINUTE_NS, day_start, parse_time_of_day


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle. deadline_ns: until when what it calls is in time, that instant included."""

    business_date: date
    name: str
    at: int
    deadline_ns: int


def deadline_of_cycle(at: int, *, minutes: int) -> int:
    """So many minutes after an intraday cycle; an hour unless configured."""
    return at + minutes * MINUTE_NS


def deadline_of_close(next_business_date: date, *, time_of_day: str) -> int:
    """A time, `HH:MM` UTC, of the day of the next session; 13:00 unless configured."""
    return day_start(next_business_date) + parse_time_of_day(time_of_day)
