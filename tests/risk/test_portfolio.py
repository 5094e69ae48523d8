"""How margins of positions add up (RULEBOOK §5): worked by hand, and against a naive twin."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest

from events.int64 import IntArray
from risk.margin import Holding, Requirement, rate
from risk.portfolio import sum_of_parts


def require(lots: IntArray, prices: list[int], rates: list[int]) -> Requirement:
    """The requirement for a matrix of lots by account and contract, zero positions left out."""
    holdings = []
    for column, price, rate_ppm in zip(lots.T, prices, rates, strict=True):
        accounts = np.flatnonzero(column).astype(np.int64)
        holdings.append(Holding(accounts, column[accounts].copy(), price, rate(rate_ppm)))
    return sum_of_parts(holdings, len(lots), settings={})


def test_a_thousand_lots_at_two_dollars_ask_eight_percent_of_their_value() -> None:
    requirement = require(np.array([[1000], [-1000]]), [200], [80_000])
    assert requirement.initial.tolist() == [16_000, 16_000]


def test_each_position_is_rounded_up_before_the_sum() -> None:
    # 207 · 8 % = 16.56 and 208 · 8 % = 16.64, each 17.
    requirement = require(np.array([[1, -1], [0, 3]]), [207, 208], [80_000, 80_000])
    assert [part.tolist() for part in requirement.parts] == [[17], [17, 50]]
    assert requirement.initial.tolist() == [34, 50]


def test_a_sum_beyond_int64_breaks_a_law() -> None:
    with pytest.raises(OverflowError, match="is beyond int64"):
        require(np.array([[2**62, 2**62]]), [1, 1], [1_000_000, 1_000_000])


def test_large_margins_of_different_accounts_need_not_fit_together() -> None:
    requirement = require(np.array([[2**62, 0], [0, -(2**62)]]), [1, 1], [1_000_000, 1_000_000])
    assert requirement.initial.tolist() == [2**62, 2**62]


def test_a_contract_without_a_price_asks_nothing() -> None:
    lots = np.array([5, -5], dtype=np.int64)
    requirement = sum_of_parts([Holding(np.arange(2), lots, None, rate(80_000))], 2, settings={})
    assert (requirement.initial.tolist(), requirement.parts[0].tolist()) == ([0, 0], [0, 0])


def test_no_accounts_and_no_contracts_ask_nothing() -> None:
    assert require(np.zeros((0, 1), dtype=np.int64), [207], [80_000]).initial.tolist() == []
    assert require(np.zeros((2, 0), dtype=np.int64), [], []).initial.tolist() == [0, 0]


@pytest.mark.parametrize("size", [10**4, 10**9, 10**11, 10**15])
def test_a_matrix_of_several_blocks_agrees_with_whole_integers(size: int) -> None:
    accounts = np.arange(40_000, dtype=np.int64)
    lots = np.stack([accounts * 7919 % size - size // 2, size // 2 - accounts], axis=1)
    requirement = require(lots, [207, 211], [80_000, 123_457])
    expected = [
        sum(ceil(Fraction(abs(signed) * price * rate, 10**6)) for signed, price, rate in terms)
        for terms in (((long, 207, 80_000), (short, 211, 123_457)) for long, short in lots.tolist())
    ]
    assert requirement.initial.tolist() == expected
