"""The hold on prices that jump by more than ×3, until a repeat confirms them (RULEBOOK §2).

In: a reported raw price, the last accepted and the held price, the rules in force. Out: the
disposition of the report. The texts here name the default rules.
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
    accepted_price: ReportedPrice | None,
    held_price: ReportedPrice | None,
    rules: IndexRules,
) -> Disposition:
    """The disposition of a reported price.

    Within ×3 of the accepted price it is accepted, with or without a held price. Beyond, a repeat
    of the held price is accepted after its hour and changes nothing before; a different price is
    held instead.
    """
    if accepted_price is None or _is_ordinary(report, accepted_price, times=rules.hold_factor):
        return "accepted"
    if held_price is not None and _repeats(report, held_price, band=rules.hold_band):
        return "accepted" if report.at - held_price.at >= rules.hold_ns else "waiting"
    return "held"


def _repeats(report: ReportedPrice, held_price: ReportedPrice, *, band: Fraction) -> bool:
    return abs(report.raw_price - held_price.raw_price) <= held_price.raw_price * band


def _is_ordinary(report: ReportedPrice, accepted_price: ReportedPrice, *, times: int) -> bool:
    return (
        report.raw_price <= accepted_price.raw_price * times
        and accepted_price.raw_price <= report.raw_price * times
    )
