"""Prices of assets other than cash, and the hold on those that jump (RULEBOOK §5).

In: a reported price. Out: whether it is accepted, refused and held until a second report confirms
it, or refused while the one held waits. A price refused for its jump is remembered, so that the
second one can be measured on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from events.units import MINUTE_NS

FACTOR_MAX: Final = 3
CONFIRMED_AFTER_NS: Final = 60 * MINUTE_NS
_DECIMALS: Final = 6
# A twentieth: a confirmation lies within 5 % of the price held.
_BAND_PARTS: Final = 20

PriceAnswer = Literal["accepted", "held", "waiting"]


@dataclass(slots=True)
class AssetPrice:
    """The last accepted price of a unit, in millionths of a dollar.

    is_stale: stated so by a cycle; held_micros, held_at: a price that was refused for its jump, and
    its time, until it is confirmed or an ordinary one comes.
    """

    micros: int
    at: int
    is_stale: bool = False
    held_micros: int | None = None
    held_at: int = 0


def micros_of(price_usd: Decimal) -> int | None:
    """A price in millionths of a dollar; None if it is not positive or has a seventh decimal."""
    micros = price_usd.scaleb(_DECIMALS)
    return int(micros) if micros > 0 and micros == micros.to_integral_value() else None


def judge_asset_price(last: AssetPrice | None, micros: int, *, at: int) -> PriceAnswer:
    """The answer to a reported price. last: the last accepted one; a first one is accepted."""
    if last is None or _is_within(micros, last.micros):
        return "accepted"
    if last.held_micros is None or _is_beyond_band(micros, last.held_micros):
        return "held"
    return "accepted" if at - last.held_at >= CONFIRMED_AFTER_NS else "waiting"


def _is_within(price: int, measure: int) -> bool:
    return price <= measure * FACTOR_MAX and measure <= price * FACTOR_MAX


def _is_beyond_band(price: int, held_micros: int) -> bool:
    return abs(price - held_micros) * _BAND_PARTS > held_micros
