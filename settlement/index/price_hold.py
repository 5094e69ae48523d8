"""The hold on prices that jump, until a repeat confirms them (RULEBOOK §2).

In: a reported raw price; whether it is ordinary: within ×3 of the last accepted one, a first price
within ×100 of the index; the held price, the rules in force. Out: the disposition of the report.
The texts here name the default rules.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from settlement.index.formula import ReportedPrice
from settlement.index.rules import IndexRules

Disposition = Literal["accepted", "held", "waiting"]


def judge(
    report: ReportedPrice,
    *,
    is_ordinary: bool,
    held_price: ReportedPrice | None,
    rules: IndexRules,
) -> Disposition:
    """The disposition of a reported price.

    An ordinary price is accepted, with or without a held price. Of others a repeat of the held
    price is accepted after its hour and changes nothing before; a different price is held instead.
    """
    if is_ordinary:
        return "accepted"
    if held_price is not None and _repeats(report, held_price, band=rules.hold_band):
        return "accepted" if report.at - held_price.at >= rules.hold_ns else "waiting"
    return "held"


def _repeats(report: ReportedPrice, held_price: ReportedPrice, *, band: Fraction) -> bool:
    return abs(report.raw_price - held_price.raw_price) <= held_price.raw_price * band


def is_within(price: Fraction, measure: Fraction, *, times: int) -> bool:
    """Whether a price lies within a factor of another, either way, both bounds included."""
    return price <= measure * times and measure <= price * times
