"""The hold on prices that jump: more than ×3, either way, waits for a confirmation (RULEBOOK §2).

In: a reported raw price, the last accepted one and the held one, and the rules in force, whose
defaults these words name. Out: what becomes of the report.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from settlement.index.rules import IndexRules

Disposition = Literal["accepted", "held", "waiting"]


class Quote(NamedTuple):
    """A raw price and the time of its report."""

    raw_price: Fraction
    at: int


def blend(input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal) -> Fraction:
    """The raw price: three parts of input and one of output, exact whatever the digits."""
    parts = 3 * Fraction(input_usd_per_mtok) + Fraction(output_usd_per_mtok)
    return parts * Fraction(1, 4)


def judge(
    quote: Quote, *, accepted: Quote | None, held: Quote | None, rules: IndexRules
) -> Disposition:
    """What becomes of a reported price.

    Within ×3 of the accepted one it is ordinary, whatever is held. Beyond, a repeat of the held
    price is accepted after its hour and changes nothing before; any other takes the held one's
    place.
    """
    if accepted is None or _is_ordinary(quote, accepted, times=rules.hold_factor):
        return "accepted"
    if held is not None and _repeats(quote, held, band=rules.hold_band):
        return "accepted" if quote.at - held.at >= rules.hold_ns else "waiting"
    return "held"


def _repeats(quote: Quote, held: Quote, *, band: Fraction) -> bool:
    return abs(quote.raw_price - held.raw_price) <= held.raw_price * band


def _is_ordinary(quote: Quote, accepted: Quote, *, times: int) -> bool:
    return (
        quote.raw_price <= accepted.raw_price * times
        and accepted.raw_price <= quote.raw_price * times
    )
