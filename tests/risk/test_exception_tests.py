"""Tests of exceptions: published values, values by hand, and second methods in whole numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from math import comb, erfc, exp, isclose, log, sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.exception_tests import (
    SIZE,
    binomial_tail,
    christoffersen,
    clopper_pearson,
    conditional_coverage,
    kupiec,
    power,
    zone,
)

PUBLISHED = Path(__file__).parents[1] / "published/exceptions.csv"
Row = dict[str, str]


def published() -> list[Row]:
    with PUBLISHED.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def clustered(exceptions: int, following: int, windows: int) -> list[bool]:
    """Windows with so many pairs, of which so many exceptions follow an exception."""
    run = [False, *[True] * (following + 1), False]
    single = [True, False] * (exceptions - following - 1)
    return run + single + [False] * (windows + 1 - len(run) - len(single))


def counts(row: Row) -> tuple[int, int]:
    return int(row["exceptions"]), int(row["windows"])


def p_of(row: Row, exceptions: int) -> float:
    return kupiec(exceptions, int(row["windows"]), rate=float(row["rate"])).two_sided_p


FIGURES: dict[str, Callable[[Row], float]] = {
    "rejected_at_most": lambda row: max(
        x for x in range(int(row["printed"]) + 2) if p_of(row, x) < SIZE
    ),
    "rejected_from": lambda row: min(
        x for x in range(int(row["printed"]) - 1, int(row["windows"])) if p_of(row, x) < SIZE
    ),
    "kupiec": lambda row: kupiec(*counts(row), rate=float(row["rate"])).statistic,
    "christoffersen": lambda row: (
        christoffersen(
            clustered(int(row["exceptions"]), int(row["following"]), int(row["windows"]))
        ).statistic
    ),
    "as_many_or_fewer": lambda row: (
        1 - binomial_tail(int(row["exceptions"]) + 1, int(row["windows"]), rate=float(row["rate"]))
    ),
    "interval_low": lambda row: clopper_pearson(*counts(row))[0],
    "interval_high": lambda row: clopper_pearson(*counts(row))[1],
}


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row['figure']}-{row['printed']}")
def test_a_figure_is_the_one_printed(row: Row) -> None:
    made = FIGURES[row["figure"]](row)
    assert abs(made - float(row["printed"])) <= float(row["tolerance"]) + 1e-12, row


def test_every_figure_is_published_somewhere() -> None:
    assert {row["figure"] for row in published()} == FIGURES.keys()


def test_the_zones_of_250_are_those_of_basel() -> None:
    zones = [zone(count, 250) for count in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


def test_without_exceptions_every_number_of_windows_is_green() -> None:
    assert [zone(0, windows) for windows in (0, 1, 5, 10_000)] == ["green"] * 4


def test_the_upper_side_does_not_reject_too_much_cover() -> None:
    covered = kupiec(0, 335)
    assert covered.two_sided_p < SIZE < covered.p
    many = kupiec(10, 335)
    assert isclose(many.p, many.two_sided_p / 2)


def test_a_count_near_the_promised_one_has_a_small_statistic() -> None:
    # 4 of 335: 2 (331 ln(331/335 / 0.99) + 4 ln(4/335 / 0.01)) = 0.120.
    by_hand = 2 * (331 * log(331 / 335 / 0.99) + 4 * log(4 / 335 / 0.01))
    near = kupiec(4, 335)
    assert isclose(near.statistic, by_hand)
    assert by_hand < 0.13
    assert 0.25 < near.p < 0.5 < near.two_sided_p
    assert isclose(kupiec(3, 335).p, 1 - kupiec(3, 335).two_sided_p / 2)


def test_no_window_says_nothing() -> None:
    assert kupiec(0, 0) == (0, 1, 1)
    assert christoffersen([]) == (0, 1, 1)
    assert conditional_coverage([]).p == 1
    assert clopper_pearson(0, 0) == (0, 1)


def test_four_of_166_are_not_rejected_and_tell_little() -> None:
    # −2 ln(0.99¹⁶² 0.01⁴) + 2 ln((162/166)¹⁶² (4/166)⁴) = 2.40..., below 3.84.
    by_hand = 2 * (162 * log(162 / 166 / 0.99) + 4 * log(4 / 166 / 0.01))
    assert isclose(kupiec(4, 166).statistic, by_hand)
    assert by_hand < 3.84
    assert power(166, rate=0.02) < 0.5


def test_conditional_coverage_is_the_sum_of_both_and_its_upper_side_is_a_mixture() -> None:
    breaches = clustered(20, 6, 252)
    coverage, independence = kupiec(20, 253, rate=0.05), christoffersen(breaches)
    both = conditional_coverage(breaches, rate=0.05)
    assert isclose(both.statistic, coverage.statistic + independence.statistic)
    assert isclose(both.two_sided_p, exp(-both.statistic / 2))
    # Half the tail of one degree of freedom, half that of two.
    assert isclose(both.p, (erfc(sqrt(both.statistic / 2)) + exp(-both.statistic / 2)) / 2)
    few = conditional_coverage(clustered(2, 0, 999))
    alone = christoffersen(clustered(2, 0, 999)).statistic
    assert isclose(few.p, (erfc(sqrt(alone / 2)) + exp(-alone / 2)) / 2)
    assert few.p > few.two_sided_p


def test_the_power_against_the_promised_rate_is_the_size_of_the_test() -> None:
    # From 7 of 335 on the upper side is rejected: Σ P(X ≥ 7).
    assert [count for count in range(10) if kupiec(count, 335).p < SIZE][:1] == [7]
    exact = 1 - sum(comb(335, x) * Fraction(1, 100) ** x * Fraction(99, 100) ** (335 - x)
                    for x in range(7))  # fmt: skip
    assert isclose(power(335, rate=0.01), float(exact))


def test_a_rate_that_few_windows_cannot_reject_has_no_power() -> None:
    assert power(0, rate=0.5) == 0


@given(
    windows=st.integers(min_value=0, max_value=60),
    count=st.integers(min_value=-1, max_value=61),
    percent=st.integers(min_value=0, max_value=100),
)
def test_the_tail_is_that_of_whole_numbers(windows: int, count: int, percent: int) -> None:
    exact = sum(
        Fraction(comb(windows, x) * percent**x * (100 - percent) ** (windows - x), 100**windows)
        for x in range(max(0, count), windows + 1)
    )
    assert isclose(binomial_tail(count, windows, rate=percent / 100), float(exact), abs_tol=1e-9)


@given(data=st.data(), windows=st.integers(min_value=1, max_value=400))
def test_the_interval_holds_the_rate_seen_and_each_end_leaves_a_fortieth(
    data: st.DataObject, windows: int
) -> None:
    count = data.draw(st.integers(min_value=0, max_value=windows))
    low, high = clopper_pearson(count, windows)
    assert 0 <= low <= count / windows <= high <= 1
    if count:
        assert isclose(binomial_tail(count, windows, rate=low), 0.025, abs_tol=1e-6)
    if count < windows:
        assert isclose(binomial_tail(count + 1, windows, rate=high), 0.975, abs_tol=1e-6)
