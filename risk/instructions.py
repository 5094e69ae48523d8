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
from events.int64 import IntArray, shortfall, totals_by
from events.member_facts import SettlementInstructed
from events.units import INT64_MAX
from risk.cycle import Cycle
from risk.levels import MarginLevels


class Side(NamedTuple):
    """A member's accounts of one origin."""

    member: str
    origin: Literal["house", "customer"]


def deficits(levels: MarginLevels, *, for_cash: Sequence[int]) -> IntArray:
    """What each account lacks; no account's excess covers another's.

    The shortfall below initial margin, or cash below zero if that is more. for_cash: numbers of the
    accounts called for their cash only, which lack that. A deficit is at most int64's largest.
    """
    lacks = shortfall(levels.initial, levels.equity)
    if (levels.cash >= 0).all():
        return lacks
    lacks = np.maximum(lacks, shortfall(np.zeros_like(levels.cash), levels.cash))
    for number in for_cash:
        lacks[number] = min(max(0, levels.of(number).due(is_for_cash=True)), INT64_MAX)
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
