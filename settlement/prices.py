"""Reference and settlement prices (RULEBOOK §4).

In: a contract's session trades, quotes and reference. Out: the settlement price and its tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from events.units import INT64_MIN, round_half_up
from settlement.quotes import QuoteBook
from settlement.session_trades import SessionTrades

TIER_OVERRULED: Final = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """The inputs to a contract's settlement price at the close.

    overruled_ticks: the price set by the exchange; has_lots: whether any account has a position.
    """

    contract: str
    last_trading_day: date
    reference_ticks: int | None
    trades: SessionTrades
    quotes: QuoteBook
    overruled_ticks: int | None = None
    has_lots: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement price and its tier."""

    price_ticks: int
    tier: Literal[0, 1, 2, 3, 4]


class SessionTimes(NamedTuple):
    """The opening and the close of a session; trades between count for its prices."""

    opened_at: int
    close_at: int


def index_ticks(value_micros: int, micros_per_tick: int) -> int:
    """An index value in whole ticks, half up, at least one."""
    return max(1, round_half_up(Fraction(value_micros, micros_per_tick)))


def round_towards(exact: Fraction, reference_ticks: int | None) -> int:
    """The nearest tick; an exact half towards the reference, without a reference upwards."""
    below = exact.numerator // exact.denominator
    if exact - below != Fraction(1, 2):
        return round_half_up(exact)
    if reference_ticks is None or reference_ticks > below:
        return below + 1
    return below


def settle_prices(
    candidates: Sequence[Candidate], times: SessionTimes, *, window_ns: int
) -> dict[str, Settlement]:
    """The settlement prices of the contracts that have one, by the tiers in order.

    window_ns: the time before the close whose trades count for the mean.
    """
    traded = {
        candidate.contract: _settle_by_trades(candidate, times, window_ns=window_ns)
        for candidate in candidates
    }
    moved = [
        (candidate.last_trading_day, settlement.price_ticks - candidate.reference_ticks)
        for candidate in candidates
        if (settlement := traded[candidate.contract]) is not None
        and candidate.reference_ticks is not None
    ]
    settled: dict[str, Settlement] = {}
    for candidate in candidates:
        settlement = traded[candidate.contract] or _settle_by_reference(candidate, moved)
        if settlement is not None:
            settled[candidate.contract] = settlement
    return settled


def _settle_by_trades(
    candidate: Candidate, times: SessionTimes, *, window_ns: int
) -> Settlement | None:
    """The price by tiers 0 to 2. Late trades make it only for open lots without a reference."""
    if candidate.overruled_ticks is not None:
        return Settlement(candidate.overruled_ticks, TIER_OVERRULED)
    opened_at, close_at = times
    mean = candidate.trades.mean_price(max(close_at - window_ns, opened_at), close_at)
    if mean is not None:
        return Settlement(round_towards(mean, candidate.reference_ticks), 1)
    latest = candidate.trades.latest_price(opened_at, close_at)
    if latest is None and candidate.reference_ticks is None and candidate.has_lots:
        latest = candidate.trades.latest_price(INT64_MIN, opened_at - 1)
    return None if latest is None else Settlement(candidate.quotes.clamp(latest), 2)


def _settle_by_reference(
    candidate: Candidate, moved: Sequence[tuple[date, int]]
) -> Settlement | None:
    if candidate.reference_ticks is None:
        return None
    if not moved:
        return Settlement(candidate.reference_ticks, 4)
    last_day = candidate.last_trading_day
    _, change = min(moved, key=lambda neighbour: (abs(neighbour[0] - last_day), neighbour[0]))
    return Settlement(max(1, candidate.reference_ticks + change), 3)
