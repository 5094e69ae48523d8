"""Settlement instructions of a cycle: variation and deficit per member and origin (RULEBOOK §5).

In: by account number the cycle's variation and the levels of margin in cents, and each account's
side, its member and origin. Out: `settlement_instructed`, one for each side with a variation or a
deficit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from events.contracts import CURRENCY
from events.int64 import IntArray, subtract, totals_by
from events.member_facts import SettlementInstructed
from risk.cycle import Cycle
from risk.levels import MarginLevels


class Side(NamedTuple):
    """A member's accounts of one origin."""

    member: str
    origin: Literal["house", "customer"]


def deficits(levels: MarginLevels, *, for_cash: Sequence[int]) -> IntArray:
    """What each account lacks; no account's excess covers another's.

    The shortfall below initial margin, or cash below zero if that is more. for_cash: numbers of the
    accounts called for their cash only, which lack that. Errors: OverflowError when a deficit is
    beyond int64.
    """
    lacks = subtract(levels.initial, np.minimum(levels.initial, levels.equity))
    if (levels.cash >= 0).all():
        return lacks
    overdrafts = subtract(np.zeros_like(levels.cash), np.minimum(levels.cash, 0))
    lacks = np.maximum(lacks, overdrafts)
    for number in for_cash:
        lacks[number] = max(0, levels.of(number).due(is_for_cash=True))
    return lacks


def instruct(
    sides: Sequence[Side],
    codes: npt.NDArray[np.intp],
    *,
    variation: IntArray,
    deficit: IntArray,
    cycle: Cycle,
) -> list[SettlementInstructed]:
    """The instructions in the order of `sides`. codes: (A,), the index of each account's side."""
    variations = totals_by(codes, variation, groups=len(sides))
    deficit_totals = totals_by(codes, deficit, groups=len(sides))
    return [
        SettlementInstructed(
            at=cycle.at,
            member=side.member,
            origin=side.origin,
            currency=CURRENCY,
            business_date=cycle.business_date,
            cycle=cycle.name,
            variation_cents=variation_cents,
            margin_deficit_cents=deficit_cents,
        )
        for side, variation_cents, deficit_cents in zip(
            sides, variations, deficit_totals, strict=True
        )
        if variation_cents or deficit_cents
    ]
