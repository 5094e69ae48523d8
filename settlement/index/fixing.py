"""The daily fixing: the time-weighted mean of the hour that ends at the close (RULEBOOK §2).

In: the published step function, the close, how long the window is. Out: the fixing, rounded half to
even, and whether it is stale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from events.units import round_half_even
from settlement.index.books import IndexStep


def fixing_at(
    steps: Sequence[IndexStep], close_at: int, *, window_ns: int
) -> tuple[int, bool] | None:
    """The fixing in micro-dollars and whether it is stale; None if no value stood by the close.

    steps: in time order; those after the close do not count, of several at one instant the last.
    """
    known = steps[: bisect_right(steps, close_at, key=lambda step: step.at)]
    if not known:
        return None
    last = known[-1]
    start = max(close_at - window_ns, known[0].at)
    if last.is_stale or start == close_at:
        return last.value_micros, last.is_stale
    ends = [*(step.at for step in known[1:]), close_at]
    weighed = sum(
        step.value_micros * max(0, end - max(start, step.at))
        for step, end in zip(known, ends, strict=True)
    )
    return round_half_even(Fraction(weighed, close_at - start)), False
