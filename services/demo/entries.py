"""What the books of a demonstration have entries of: contracts, rates, calls, shortfalls.

In: what facts state. Out: small records with the words for where a call stands and what an
account's equity can be below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

DemoFact = Mapping[str, Any]

# Where a call stands; a met or missed call changes no more.
RAISED, PARTLY_MET, MET, MISSED, OPEN = "raised", "partly met", "met", "missed", "open"
# How a settlement price was found, by its tier (RULEBOOK §4).
TIERS: Final = (
    "set by the exchange",
    "mean of the trades before the close",
    "last trade of the session",
    "moved with the nearest expiry",
    "as before",
)
# What an account's equity can be below.
ZERO, MAINTENANCE = "zero", "maintenance margin"


@dataclass(slots=True)
class ListedContract:
    """A contract that trades: its last day, and what it settled at last."""

    contract: str
    last_trading_day: date
    reference_ticks: int | None


class SideRates(NamedTuple):
    """What a lot may lose by the model in force, of its price: who is long, who is short.

    paper_ppm: what the model paper would have asked of either side.
    """

    long_ppm: int
    short_ppm: int
    paper_ppm: int


@dataclass(slots=True)
class CallHistory:
    """A margin call, or of a member one of the fund, and what became of it.

    changed_at: when it was last met in part, met, raised or missed; empty before.
    """

    account: str
    day: date
    cycle: str
    amount_cents: int
    deadline: str
    remaining_cents: int
    outcome: str = OPEN
    was_raised: bool = False
    changed_at: str = ""


@dataclass(slots=True)
class Shortfall:
    """A time in which an account's equity was below a mark. since, until: a date and its cycle.

    at: of the first of these cycles; worst_cents: how far below at most; until: None as long as it
    lasts.
    """

    account: str
    mark: str
    since: str
    at: str
    worst_cents: int = 0
    until: str | None = None


def change_call(calls: Mapping[str, CallHistory], fact: DemoFact, *, outcome: str) -> None:
    """Take what became of a call, if it is among these."""
    call = calls.get(fact["call"])
    if call is not None:
        call.outcome = outcome
        call.was_raised |= outcome == RAISED
        call.remaining_cents, call.changed_at = fact["remaining_cents"], fact["at"]


def calls_by_outcome(calls: Mapping[str, CallHistory], *outcomes: str) -> list[CallHistory]:
    """The calls with one of these outcomes, in the order they were made."""
    return [call for call in calls.values() if call.outcome in outcomes]


# What a call is as long as it is neither met nor missed.
STILL_OPEN: Final = (OPEN, RAISED, PARTLY_MET)
