"""Initial and maintenance margin of many accounts at once, exact to the cent (RULEBOOK §5).

In: lots by account and contract, the price in cents per lot and the rate in ppm of each contract.
Out: the margin of each position, ceil(|lots| · price · rate / 10⁶), its sum per account and the
share of that for maintenance. Each column takes the fastest way that is exact for its largest
position; a naive twin in Python ints is tested against all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, magnitude
from events.units import INT64_MAX, PPM, ceil_div

# Rows worked on at once: their lots, the scratch and their margin, 128 KiB each, stay in a core's
# second-level cache.
_BLOCK_ROWS: Final = 16_384

# Below it every integer is a float64.
_FLOAT_EXACT: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Requirement:
    """What accounts must hold.

    parts: (A, C) cents, the margin of each position. initial, maintenance: (A,) cents.
    """

    parts: IntArray
    initial: IntArray
    maintenance: IntArray


def requirement_of(
    lots: IntArray,
    *,
    price_cents: Sequence[int] | IntArray,
    rate_ppm: Sequence[int] | IntArray,
    maintenance_ppm: int,
) -> Requirement:
    """The requirement of every account.

    lots: (A, C) signed; columns that are contiguous (Fortran order) are fastest. price_cents: (C,)
    cents per lot. rate_ppm: (C,). maintenance_ppm: of initial. Errors: AssertionError
    with the numbers when an amount is beyond int64; positions each of which was let in can add up
    to it. Source: RULEBOOK §5.
    """
    parts = np.empty(lots.shape, dtype=np.int64, order="F")
    initial = np.zeros(lots.shape[0], dtype=np.int64)
    sum_max = 0
    for column, (price, rate) in enumerate(zip(price_cents, rate_ppm, strict=True)):
        part = parts[:, column]
        sum_max += margin_column(
            lots[:, column], price_cents=int(price), rate_ppm=int(rate), out=part
        )
        initial += part
        # Two amounts that are not negative wrap, if at all, to a negative sum.
        wrapped = sum_max > INT64_MAX and bool(initial.min() < 0)
        assert not wrapped, f"initial margin up to {sum_max} cents is beyond int64"
    return Requirement(parts, initial, maintenance_of(initial, share_ppm=maintenance_ppm))


def maintenance_of(initial: IntArray, *, share_ppm: int) -> IntArray:
    """A share of initial margin, 75 % unless configured, rounded up.

    It is what is left without the rest of it, rounded down; whole divisors and what remains of them
    apart, so that no product is larger than the amount or 10¹².
    """
    shared = gcd(PPM - share_ppm, PPM)
    factor, divisor = (PPM - share_ppm) // shared, PPM // shared
    whole = initial // divisor
    released = whole * factor
    if factor > 1:
        released += (initial - whole * divisor) * factor // divisor
    return initial - released


def margin_column(lots: IntArray, *, price_cents: int, rate_ppm: int, out: IntArray) -> int:
    """Write the margin of one contract's positions to `out`; returns the greatest of them.

    The fraction price · rate / 10⁶ is brought to lowest terms first, so that fewer columns are
    large.
    """
    assert price_cents >= 0, f"expected a price of at least 0, found {price_cents}"
    assert rate_ppm >= 0, f"expected a rate of at least 0, found {rate_ppm}"
    product = price_cents * rate_ppm
    shared = gcd(product, PPM)
    factor, divisor = product // shared, PPM // shared
    dividend_max = magnitude(lots) * factor
    part_max = ceil_div(dividend_max, divisor)
    assert part_max <= INT64_MAX, f"margin of {part_max} cents is beyond int64"
    if factor == 0:
        out[:] = 0
    elif dividend_max < _FLOAT_EXACT:
        _by_float(lots, out, factor=factor, divisor=divisor)
    elif dividend_max + divisor <= INT64_MAX:
        _by_int64(lots, out, factor=factor, divisor=divisor)
    else:
        out[:] = [ceil_div(abs(held) * factor, divisor) for held in lots.tolist()]
    return part_max


def _by_float(lots: IntArray, out: IntArray, *, factor: int, divisor: int) -> None:
    """Exact although in float64: the dividend is an integer x below 2⁵³, the divisor d an integer.

    Division rounds correctly, so it errs by at most x/d · 2⁻⁵³ < 1/d. A quotient that is no integer
    lies at least 1/d from the next one and cannot be rounded past it; one that is an integer comes
    out as it is.
    """
    scratch: npt.NDArray[np.float64] = np.empty(min(_BLOCK_ROWS, lots.size))
    for start in range(0, lots.size, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        held = lots[rows]
        work = scratch[: held.size]
        np.multiply(held, float(factor), out=work)
        np.abs(work, out=work)
        np.divide(work, float(divisor), out=work)
        np.ceil(work, out=work)
        out[rows] = work


def _by_int64(lots: IntArray, out: IntArray, *, factor: int, divisor: int) -> None:
    np.abs(lots, out=out)
    out *= factor
    out += divisor - 1
    out //= divisor
