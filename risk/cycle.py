"""A margin cycle: its day, name and time, and the deadline of its calls (RULEBOOK §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from events.units import MINUTE_NS, day_start, parse_time_of_day


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle. deadline_ns: the last instant at which collateral for its calls is in time."""

    business_date: date
    name: str
    at: int
    deadline_ns: int


def deadline_of_cycle(at: int, *, minutes: int) -> int:
    """The deadline some minutes after an intraday cycle; 60 unless configured."""
    return at + minutes * MINUTE_NS


def deadline_of_close(next_business_date: date, *, time_of_day: str) -> int:
    """The deadline at a time, `HH:MM` UTC, of the next session's day; 13:00 unless configured."""
    return day_start(next_business_date) + parse_time_of_day(time_of_day)
