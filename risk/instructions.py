"""What members owe or get in a cycle: variation and deficit per member and origin (RULEBOOK §5).

In: by account number the cycle's variation, equity and initial margin in cents, and each account's
group, a member's house or customer side. Out: `settlement_instructed`, one for each group where
either is not zero.
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


class Side(NamedTuple):
    """A member's accounts of one origin."""

    member: str
    origin: Literal["house", "customer"]


def deficits(initial: IntArray, equity: IntArray) -> IntArray:
    """What each account lacks to 100 % of initial: no excess of one helps another.

    Errors: OverflowError when a lack is beyond int64.
    """
    return subtract(initial, np.minimum(initial, equity))


def instruct(
    sides: Sequence[Side],
    codes: npt.NDArray[np.intp],
    *,
    variation: IntArray,
    deficit: IntArray,
    cycle: Cycle,
) -> list[SettlementInstructed]:
    """The instructions in the order of `sides`. codes: (A,), each account's place in `sides`."""
    variations = totals_by(codes, variation, groups=len(sides))
    lacks = totals_by(codes, deficit, groups=len(sides))
    return [
        SettlementInstructed(
            at=cycle.at,
            member=side.member,
            origin=side.origin,
            currency=CURRENCY,
            business_date=cycle.business_date,
            cycle=cycle.name,
            variation_cents=variation_cents,
            margin_deficit_cents=lack_cents,
        )
        for side, variation_cents, lack_cents in zip(sides, variations, lacks, strict=True)
        if variation_cents or lack_cents
    ]
