"""Position limits: a share of the open interest, never below a floor (RULEBOOK §6).

In: the open interest at the last close and the price, both integers. Out: the limit in lots;
whether a change of a position crosses the limit or 80 % of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from events.units import PPM

_PERCENT: Final = 100
_WARNING_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class LimitParameters:
    """Shares of the open interest; bracket and floor in cents, because a lot is two dollars."""

    share_ppm: int = 100_000
    share_beyond_ppm: int = 25_000
    bracket_cents: int = 25_000_000_000
    floor_cents: int = 2_500_000_000


def limit_lots(open_interest_lots: int, price_ticks: int, *, parameters: LimitParameters) -> int:
    """The position limit in lots: 10 % up to the bracket, 2.5 % beyond, rounded down.

    price_ticks: > 0. It turns bracket and floor into lots, rounded down: a tick is a cent per lot.
    """
    below_cents = min(open_interest_lots * price_ticks, parameters.bracket_cents)
    beyond_cents = open_interest_lots * price_ticks - below_cents
    share = below_cents * parameters.share_ppm + beyond_cents * parameters.share_beyond_ppm
    return max(share // (PPM * price_ticks), parameters.floor_cents // price_ticks)


def crossings(before_lots: int, after_lots: int, *, limit: int) -> tuple[bool, bool]:
    """Whether a position crosses 80 % of the limit, and the limit: (is_warned, is_breached).

    To cross is to be above now and not before.
    """
    before, after = abs(before_lots), abs(after_lots)
    warning = _WARNING_PERCENT * limit
    is_warned = _PERCENT * before <= warning < _PERCENT * after
    is_breached = before <= limit < after
    return is_warned, is_breached
