"""Scored and quoted time against a second method: instants counted one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.units import PPM
from risk.makers import QuotedTime, QuoteRule, ScoredTime, is_quoting_met

FRONT = QuoteRule(20_000, 50)
CLOSE = 40
INSTANTS = st.integers(min_value=-5, max_value=CLOSE + 5)


@pytest.mark.parametrize(
    ("bid", "ask", "lots", "is_kept"),
    [
        (198, 202, 50, True),  # 2 % of 200 are 4.
        (197, 201, 50, False),  # 2 % of 199 are 3.98: 3.
        (198, 202, 49, False),
        (1, 3, 50, True),  # Two ticks at any price.
        (1, 4, 50, False),
        (200, 200, 50, True),
        (None, 202, 0, False),
        (198, None, 0, False),
        (None, None, 0, False),
    ],
)
def test_a_quote_keeps_the_rule_at_its_bounds(
    bid: int | None, ask: int | None, lots: int, *, is_kept: bool
) -> None:
    assert FRONT.is_kept_by(bid, ask, lots=lots) is is_kept


@given(
    begin=INSTANTS,
    halts=st.lists(st.tuples(INSTANTS, st.integers(0, 20)), max_size=6),
    quotes=st.lists(st.tuples(INSTANTS, st.booleans()), max_size=10),
)
def test_scored_and_quoted_time_are_those_of_counting_instants(
    begin: int, halts: list[tuple[int, int]], quotes: list[tuple[int, bool]]
) -> None:
    halted = {at + n for at, length in halts for n in range(length)}
    open_instants = [at for at in range(begin, CLOSE) if at not in halted]
    kept = dict.fromkeys(range(-5, CLOSE + 6), False)
    since = -5
    for at, is_kept in quotes:
        since = max(since, at)
        kept |= dict.fromkeys(range(since, CLOSE + 6), is_kept)

    quoted = QuotedTime(FRONT, -5)
    for at, is_kept in quotes:
        quoted.follow(at, is_kept=is_kept)
    ends = [(at, at + length) for at, length in halts]
    scored = ScoredTime.between(begin, CLOSE, halts=ends)
    assert scored.total_ns == len(open_instants)
    assert scored.within(quoted.spans(CLOSE)) == sum(kept[at] for at in open_instants)


def test_four_fifths_are_met_and_an_instant_less_is_not() -> None:
    scored = 10**15
    assert is_quoting_met(scored * 4 // 5, scored, least_ppm=PPM * 4 // 5)
    assert not is_quoting_met(scored * 4 // 5 - 1, scored, least_ppm=PPM * 4 // 5)
    assert is_quoting_met(0, 0, least_ppm=PPM)
