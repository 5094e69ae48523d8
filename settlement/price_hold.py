"""The hold on prices that jump: more than ×3, either way, waits for a confirmation (RULEBOOK §2).

In: a reported raw price, the last accepted one and the held one. Out: what becomes of the report.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from events.units import HOUR_NS

CONFIRMATION_WAIT_NS: Final = HOUR_NS

_MOVE_MAX: Final = 3
_BAND: Final = Fraction(5, 100)

Disposition = Literal["accepted", "held", "waiting"]


class Quote(NamedTuple):
    """A raw price and the time of its report."""

    raw_price: Fraction
    at: int


def blend(input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal) -> Fraction:
    """The raw price: three parts of input and one of output, exact whatever the digits."""
    parts = 3 * Fraction(input_usd_per_mtok) + Fraction(output_usd_per_mtok)
    return parts * Fraction(1, 4)


def judge(quote: Quote, *, accepted: Quote | None, held: Quote | None) -> Disposition:
    """What becomes of a reported price.

    Within ×3 of the accepted one it is ordinary, whatever is held. Beyond, a repeat of the held
    price is accepted after its hour and changes nothing before; any other takes the held one's
    place.
    """
    if accepted is None or _is_ordinary(quote, accepted):
        return "accepted"
    if held is not None and _repeats(quote, held):
        return "accepted" if quote.at - held.at >= CONFIRMATION_WAIT_NS else "waiting"
    return "held"


def _repeats(quote: Quote, held: Quote) -> bool:
    return abs(quote.raw_price - held.raw_price) <= held.raw_price * _BAND


def _is_ordinary(quote: Quote, accepted: Quote) -> bool:
    return (
        quote.raw_price <= accepted.raw_price * _MOVE_MAX
        and accepted.raw_price <= quote.raw_price * _MOVE_MAX
    )
