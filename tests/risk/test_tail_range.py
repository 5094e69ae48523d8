"""The scan range (RULEBOOK §5): by hand, by a second method, on the index, on made-up markets."""

from __future__ import annotations

import csv
import math
from decimal import Context, Decimal, localcontext
from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.tail_range import HISTORY, tail_range
from tests.house_rules import ROOT
from tests.step_markets import READINGS, Floats, Reading, step_markets

with (ROOT / "services/backtest/index_history.csv").open(encoding="utf-8") as _lines:
    INDEX: Final = [int(Decimal(row["tpi"]) * 10**6) for row in csv.DictReader(_lines)]

# Any daily values, with ones that stand still, so that jumps are few.
SERIES: Final = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(1, 90)), min_size=1, max_size=30
).map(lambda runs: [value for value, days in runs for _ in range(days)])

# The prior weighs as much as a full look-back: sizes Σ (252 − n)·min(n + 1, 40) / 21, rounded down.
PRIOR_SIZES: Final = 51_830
PRIOR_OFTEN: Final = 1512 * 1513 / 2


class Outcome(NamedTuple):
    """Of two-day windows from some day on; rise_20, peak_to_trough: of the worse side."""

    coverage: float
    uncovered: int
    mean_rate: float
    rise_20: float
    peak_to_trough: float


def second_method(values: Floats) -> tuple[Floats, Floats]:
    """Rates of every day, (M, T) each, by sums over all days: the formula of the rulebook."""
    moves = values[:, 1:] / values[:, :-1] - 1
    days = moves.shape[1]
    age = np.subtract.outer(np.arange(days), np.arange(days))
    often = np.where(age >= 0, (1512 - age).clip(0), 0) / 1512
    large = np.where(age >= 0, (252 - age).clip(0) * (age + 1).clip(0, 40), 0) / (252 * 40)
    prior_days = 1513 / 2
    prior_sizes = PRIOR_SIZES / (252 * 40)
    jumps = np.abs(moves) > 0.02
    logs = np.where(jumps, np.log(np.where(jumps, np.abs(moves), 1).clip(0, 3)), 0)
    size = np.exp((logs @ large.T + prior_sizes * math.log(0.06)) / (jumps @ large.T + prior_sizes))
    total = often.sum(axis=1) + prior_days
    p_long = 2 * ((jumps & (moves < 0)) @ often.T + prior_days / 42) / total
    p_short = 2 * ((jumps & (moves > 0)) @ often.T + prior_days / 42) / total
    return (
        (size * (p_long / 0.005 - 1) ** (5 / 9)).clip(0.08, 1),
        (size * (p_short / 0.005 - 1) ** (5 / 9)).clip(0.08, 3),
    )


def outcome(values: Floats, rates: tuple[Floats, Floats], *, first: int) -> Outcome:
    """Rates of day t against the move from t to t + 2, uncovered if either side is.

    values: (M, T); rates: (M, T) each.
    """
    moves = (values[:, 2:] / values[:, :-2] - 1)[:, first:]
    long, short = (side[:, first:-2] for side in rates)
    uncovered = (-moves > long) | (moves > short)
    rises = [side[:, n:] - side[:, :-n] for side in (long, short) for n in range(1, 21)]
    return Outcome(
        coverage=1 - float(uncovered.mean()),
        uncovered=int(uncovered.sum()),
        mean_rate=float((long + short).mean()) / 2,
        rise_20=max(float(rise.max()) for rise in rises),
        peak_to_trough=max(
            float((side.max(axis=1) / side.min(axis=1)).max()) for side in (long, short)
        ),
    )


def exact_rates(values: list[int]) -> tuple[Floats, Floats]:
    ranges = [tail_range(values[: day + 1]) for day in range(len(values))]
    return (
        np.array([[each.long_ppm / 10**6 for each in ranges]]),
        np.array([[each.short_ppm / 10**6 for each in ranges]]),
    )


def rate_ppm(size: float, chance: float) -> int:
    """The formula by hand, up to a ppm."""
    return math.ceil(size * math.pow(chance / 0.005 - 1, 5 / 9) * 10**6)


def test_without_a_history_it_is_the_quiet_market_of_the_prior() -> None:
    for values in ([], [207]):
        none = tail_range(values)
        assert none.long_ppm == none.short_ppm == rate_ppm(0.06, 1 / 21) == 197_320
        assert none.fallback == "no_history"


def test_an_index_that_triples_in_a_day_moves_the_rates_by_a_first_part() -> None:
    size = math.exp((PRIOR_SIZES * math.log(0.06) + 252 * math.log(2)) / (PRIOR_SIZES + 252))
    tripled = tail_range([100, 300])
    days = 1512 + PRIOR_OFTEN
    assert tripled.long_ppm == rate_ppm(size, 2 * PRIOR_OFTEN / 42 / days)
    assert tripled.short_ppm == rate_ppm(size, 2 * (PRIOR_OFTEN / 42 + 1512) / days)
    assert (tripled.moves, tripled.falls, tripled.rises) == (1, 0, 1)
    assert tripled.fallback == "short_history"


def test_a_rise_from_nothing_counts_300_and_a_fall_to_nothing_100_percent() -> None:
    assert tail_range([0, 5]) == tail_range([1, 100])._replace(fallback="not_positive")
    assert tail_range([5, 0, 0]).falls == 1
    grown = math.exp((PRIOR_SIZES * math.log(0.06) + 252 * math.log(3)) / (PRIOR_SIZES + 252))
    assert tail_range([0, 5]).size_ppm == round(grown * 10**6)
    lost = math.exp(PRIOR_SIZES * math.log(0.06) / (PRIOR_SIZES + 252))
    assert tail_range([5, 0]).size_ppm == round(lost * 10**6)


def test_a_value_below_nothing_counts_as_nothing() -> None:
    assert tail_range([5, -3, 4]) == tail_range([5, 0, 4])


@pytest.mark.parametrize(
    ("values", "fallback"),
    [
        ([200] * 60, "short_history"),
        ([200] * 61, "no_jump"),
        ([200] * 60 + [204], "no_jump"),  # 2 % is not beyond 1/50
        ([200] * 60 + [205], None),
        ([200] * 60 + [195], None),
        ([200] * 60 + [0], "not_positive"),
    ],
)
def test_the_fallback_says_why_the_prior_speaks(values: list[int], fallback: str | None) -> None:
    assert tail_range(values).fallback == fallback


def test_constant_values_lower_the_rates_slowly_and_never_to_nothing() -> None:
    # After six years still: p halves, 6 % · (200/42 − 1)^(5/9).
    still = tail_range([200] * HISTORY)
    assert still.long_ppm == still.short_ppm == rate_ppm(0.06, 1 / 42) == 125_263


def test_values_beyond_the_look_back_do_not_count() -> None:
    recent = [200, 210] * 600
    older = [10**6] + [200] * (HISTORY - len(recent))
    assert tail_range(older[:1] + older[1:] + recent) == tail_range(older[1:] + recent)
    assert tail_range(recent + [210] * HISTORY).rises == 0


def test_rates_end_at_the_floor_and_at_their_bounds() -> None:
    wild = [1, 10] * 700
    assert (tail_range(wild).long_ppm, tail_range(wild).short_ppm) == (1_000_000, 3_000_000)
    falling = [round(10**12 * 0.979**day) for day in range(1000)]
    assert tail_range(falling).short_ppm == 80_000


def test_a_jump_shows_half_its_size_after_twenty_days_and_all_after_forty() -> None:
    sizes = [tail_range([100] * 300 + [50] * days).size_ppm for days in range(41)]
    assert sizes == sorted(sizes)
    assert (sizes[20] - sizes[0]) / (sizes[40] - sizes[0]) == pytest.approx(0.53, abs=0.02)


def test_every_day_of_the_index_has_the_rates_of_a_second_method() -> None:
    second = second_method(np.array([INDEX], dtype=float))
    for exact, naive in zip(exact_rates(INDEX), second, strict=True):
        difference_ppm = (exact[:, 1:] - naive) * 10**6
        assert (difference_ppm > -1e-3).all()
        assert (difference_ppm < 1 + 1e-3).all()


def test_on_the_index_it_covers_what_a_flat_quarter_covers_for_less() -> None:
    values = np.array([INDEX], dtype=float)
    flat = np.full(values.shape, 0.25)
    reached = outcome(values, exact_rates(INDEX), first=60)
    assert (reached.uncovered, round(reached.coverage, 4)) == (8, 0.9881)
    assert reached.uncovered == outcome(values, (flat, flat), first=60).uncovered
    assert round(reached.mean_rate, 4) == 0.2488
    assert round(reached.rise_20, 3) == 0.042
    assert round(reached.peak_to_trough, 2) == 1.97


# Sizes read of the price make larger falls than those read of its logarithm, the goals' reading.
@pytest.mark.parametrize(
    ("reading", "last_third", "least", "most"),
    [
        (reading, last_third, least - (reading.sizes == "relative") * 0.0005, most)
        for reading in READINGS
        for last_third, least, most in ((1, 0.989, 0.22), (2, 0.985, 0.25))
    ],
)
def test_made_up_markets_are_covered_within_the_goals(
    reading: Reading, last_third: int, least: float, most: float
) -> None:
    values = step_markets(reading, seed=1, count=200, last_third=last_third)
    long, short = (np.insert(side, 0, 1.0, axis=1) for side in second_method(values))
    reached = outcome(values, (long, short), first=250)
    assert reached.coverage > least, reached
    assert reached.mean_rate < most, reached


@given(SERIES)
def test_rates_stay_within_their_bounds_whatever_the_values(values: list[int]) -> None:
    rates = tail_range(values)
    assert 80_000 <= rates.long_ppm <= 1_000_000
    assert 80_000 <= rates.short_ppm <= 3_000_000
    assert rates.falls + rates.rises <= rates.moves <= HISTORY - 1


@given(SERIES, st.integers(2, 10**6))
def test_the_unit_of_the_values_does_not_matter(values: list[int], unit: int) -> None:
    assert tail_range([value * unit for value in values]) == tail_range(values)


@given(SERIES, st.integers(1, 10**6), st.data())
def test_a_larger_fall_asks_no_less_of_either_side(
    values: list[int], before: int, data: st.DataObject
) -> None:
    less = data.draw(
        st.integers(0, before * 49 // 50 - (before % 50 == 0)).filter(lambda n: n >= 0)
    )
    more = data.draw(st.integers(0, less))
    small, large = (tail_range([*values, before, after]) for after in (less, more))
    assert large.long_ppm >= small.long_ppm
    assert large.short_ppm >= small.short_ppm


def test_it_has_34_digits_whatever_the_context_outside() -> None:
    inside = tail_range(INDEX[:500])
    with localcontext(Context(prec=3)):
        assert tail_range([value * 7 for value in INDEX[:500]]) == inside


@pytest.mark.parametrize(
    ("values", "jumps"),
    [((100, 200, 203), 1), ((100, 98), 0), ((100, 97), 1), ((100, 102, 105), 1)],
)
def test_a_jump_is_more_than_two_percent_of_the_day_before(
    values: tuple[int, ...], jumps: int
) -> None:
    scan = tail_range(values)
    assert scan.falls + scan.rises == jumps


def test_a_rise_counts_at_most_300_percent() -> None:
    assert tail_range((100, 450)).size_ppm == tail_range((100, 400)).size_ppm
    assert tail_range((100, 399)).size_ppm < tail_range((100, 400)).size_ppm
