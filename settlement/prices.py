"""Reference and settlement prices (RULEBOOK §4).

In: a contract's session trades, quotes and reference. Out: the settlement price with the tier that
gave it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from events.units import round_half_up
from settlement.quotes import QuoteBook
from settlement.session_trades import SessionTrades


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a contract brings to the close."""

    contract: str
    last_trading_day: date
    reference_ticks: int | None
    trades: SessionTrades
    quotes: QuoteBook


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement price and its tier."""

    price_ticks: int
    tier: Literal[1, 2, 3, 4]


def index_ticks(value_micros: int, micros_per_tick: int) -> int:
    """An index value on the tick, half up, at least one tick."""
    return max(1, round_half_up(Fraction(value_micros, micros_per_tick)))


def round_towards(exact: Fraction, reference_ticks: int | None) -> int:
    """To the nearest tick; an exact half towards the reference, without one upwards."""
    below = exact.numerator // exact.denominator
    if exact - below != Fraction(1, 2):
        return round_half_up(exact)
    if reference_ticks is None or reference_ticks > below:
        return below + 1
    return below


def settle_prices(
    candidates: Sequence[Candidate], close_at: int, *, window_ns: int
) -> dict[str, Settlement]:
    """The settlement price of each contract that has one, by the tiers in order.

    window_ns: how long before the close trades count for their mean.
    """
    traded = {
        one.contract: _settle_by_trades(one, close_at, window_ns=window_ns) for one in candidates
    }
    moved = [
        (one.last_trading_day, found.price_ticks - one.reference_ticks)
        for one in candidates
        if (found := traded[one.contract]) is not None and one.reference_ticks is not None
    ]
    settled: dict[str, Settlement] = {}
    for one in candidates:
        found = traded[one.contract] or _settle_by_reference(one, moved)
        if found is not None:
            settled[one.contract] = found
    return settled


def _settle_by_trades(candidate: Candidate, close_at: int, *, window_ns: int) -> Settlement | None:
    mean = candidate.trades.mean_price(close_at - window_ns, close_at)
    if mean is not None:
        return Settlement(round_towards(mean, candidate.reference_ticks), 1)
    latest = candidate.trades.latest_price(close_at)
    return None if latest is None else Settlement(candidate.quotes.clamp(latest), 2)


def _settle_by_reference(
    candidate: Candidate, moved: Sequence[tuple[date, int]]
) -> Settlement | None:
    if candidate.reference_ticks is None:
        return None
    if not moved:
        return Settlement(candidate.reference_ticks, 4)
    own = candidate.last_trading_day
    _, change = min(moved, key=lambda neighbour: (abs(neighbour[0] - own), neighbour[0]))
    return Settlement(max(1, candidate.reference_ticks + change), 3)
