"""The hold on prices that jump: more than ×3, either way, waits for a confirmation (RULEBOOK §2).

In: a reported raw price, the last accepted one and the held one, and the rules in force, whose
defaults these words name. Out: what becomes of the report.
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
    accepted: ReportedPrice | None,
    held: ReportedPrice | None,
    rules: IndexRules,
) -> Disposition:
    """What becomes of a reported price.

    Within ×3 of the accepted one it is ordinary, whatever is held. Beyond, a repeat of the held
    price is accepted after its hour and changes nothing before; any other takes the held one's
    place.
    """
    if accepted is None or _is_ordinary(report, accepted, times=rules.hold_factor):
        return "accepted"
    if held is not None and _repeats(report, held, band=rules.hold_band):
        return "accepted" if report.at - held.at >= rules.hold_ns else "waiting"
    return "held"


def _repeats(report: ReportedPrice, held: ReportedPrice, *, band: Fraction) -> bool:
    return abs(report.raw_price - held.raw_price) <= held.raw_price * band


def _is_ordinary(report: ReportedPrice, accepted: ReportedPrice, *, times: int) -> bool:
    return (
        report.raw_price <= accepted.raw_price * times
        and accepted.raw_price <= report.raw_price * times
    )
