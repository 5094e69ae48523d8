"""A cycle of the house: its day, name and time, and the deadline of its calls (RULEBOOK §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from events.units import HOUR_NS, day_start

CLOSE: Final = "close"
CURRENCY: Final = "USD"

_DEADLINE_HOUR: Final = 13


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle. next_business_date: given for a close, None for an intraday cycle."""

    business_date: date
    name: str
    at: int
    next_business_date: date | None = None

    @property
    def deadline_ns(self) -> int:
        """An hour after an intraday cycle; after a close 13:00 UTC of the next business date."""
        if self.next_business_date is None:
            return self.at + HOUR_NS
        return day_start(self.next_business_date) + _DEADLINE_HOUR * HOUR_NS
