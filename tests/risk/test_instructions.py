"""Settlement instructions (RULEBOOK §5), by hand and against plain sums."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from events.int64 import IntArray
from events.member_facts import SettlementInstructed
from risk.cycle import Cycle
from risk.instructions import Side, deficits, instruct
from risk.levels import MarginLevels

CYCLE = Cycle(date(2026, 6, 8), "noon", 5, 6)
SIDES = [Side("A", "house"), Side("A", "customer"), Side("B", "house")]


def cents(*amounts: int) -> IntArray:
    return np.array(amounts, dtype=np.int64)


def lacks(initial: IntArray, equity: IntArray) -> list[int]:
    """What accounts lack that have cash alone."""
    return deficits(MarginLevels(initial, initial, equity, equity), for_cash=()).tolist()  # type: ignore[no-any-return]


def test_an_account_lacks_what_equity_is_below_initial_and_no_excess_counts() -> None:
    lacking = lacks(cents(100, 100, 0, 2**63 - 1), cents(99, 500, -7, -(2**62) + 2**62))
    assert lacking == [1, 0, 7, 2**63 - 1]


def test_a_lack_beyond_int64_is_stated_as_its_largest_and_an_excess_is_none() -> None:
    assert lacks(cents(0), cents(-(2**63) + 1)) == [2**63 - 1]
    assert lacks(cents(-1), cents(2**63 - 1)) == [0]
    assert lacks(cents(1, 2**63 - 1), cents(-(2**63) + 1, -(2**63))) == [2**63 - 1] * 2


def test_one_called_for_its_cash_only_lacks_that_whatever_its_assets() -> None:
    # Initial 16,000, maintenance 12,000, equity 13,000: for equity 3,000, for cash only 600. With
    # equity 15,900 the cash lacks more than the equity.
    levels = MarginLevels(
        cents(*[16_000] * 4), cents(*[12_000] * 4), cents(13_000, 13_000, 15_900, 13_000),
        cents(-600, -600, -600, 5),
    )  # fmt: skip
    assert deficits(levels, for_cash=[1]).tolist() == [3_000, 600, 600, 3_000]


def test_each_member_and_origin_is_instructed_for_its_own_sums() -> None:
    facts = instruct(
        SIDES,
        np.array([2, 1, 1, 0]),
        variation=cents(-30, 20, 10, 0),
        deficit=cents(0, 3, 4, 0),
        cycle=CYCLE,
    )
    assert [(f.member, f.origin, f.variation_cents, f.margin_deficit_cents) for f in facts] == [
        ("A", "customer", 30, 7), ("B", "house", -30, 0),
    ]  # fmt: skip


def test_a_deficit_alone_is_instructed_too() -> None:
    facts = instruct(SIDES, np.array([0]), variation=cents(0), deficit=cents(1), cycle=CYCLE)
    assert facts == [
        SettlementInstructed(
            at=5, member="A", origin="house", currency="USD", business_date=date(2026, 6, 8),
            cycle="noon", variation_cents=0, margin_deficit_cents=1,
        )
    ]  # fmt: skip


AMOUNTS = st.integers(-(2**63), 2**63 - 1)


@given(rows=st.lists(st.tuples(st.integers(0, 2), AMOUNTS, st.integers(0, 2**63 - 1)), max_size=9))
def test_the_instructions_are_the_plain_sums(rows: list[tuple[int, int, int]]) -> None:
    facts = instruct(
        SIDES,
        np.array([row[0] for row in rows], dtype=np.intp),
        variation=cents(*(row[1] for row in rows)),
        deficit=cents(*(row[2] for row in rows)),
        cycle=CYCLE,
    )
    sums = [
        (side, sum(r[1] for r in rows if r[0] == i), sum(r[2] for r in rows if r[0] == i))
        for i, side in enumerate(SIDES)
    ]
    stated = [((f.member, f.origin), f.variation_cents, f.margin_deficit_cents) for f in facts]
    assert stated == [row for row in sums if row[1] or row[2]]
