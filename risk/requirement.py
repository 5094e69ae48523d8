"""Initial and maintenance margin of many accounts at once, exact to the cent (RULEBOOK §5).

In: lots of one contract, its price in cents per lot and its rate in ppm; or initial margin. Out:
the margin of each position, ceil(|lots| · price · rate / 10⁶); the share of it for maintenance.
Each column is computed by the fastest method that is exact for its largest position; a naive twin
in Python ints is tested against all of them.
"""

from __future__ import annotations

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


def maintenance_of(initial: IntArray, *, share_ppm: int) -> IntArray:
    """A share of initial margin, 75 % unless configured, rounded up.

    Initial less the released share, which is rounded down. Whole divisors and the remainder are
    multiplied apart, so that no product is larger than the amount or 10¹².
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
        out[:] = [ceil_div(abs(position) * factor, divisor) for position in lots.tolist()]
    return part_max


def _by_float(lots: IntArray, out: IntArray, *, factor: int, divisor: int) -> None:
    """Exact although in float64: the dividend is an integer x below 2⁵³, the divisor d an integer.

    Division rounds correctly, so it errs by at most x/d · 2⁻⁵³ < 1/d. A quotient that is no integer
    lies at least 1/d from the next integer and cannot be rounded past it; an integer is exact.
    """
    scratch: npt.NDArray[np.float64] = np.empty(min(_BLOCK_ROWS, lots.size))
    for start in range(0, lots.size, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        block = lots[rows]
        work = scratch[: block.size]
        np.multiply(block, float(factor), out=work)
        np.abs(work, out=work)
        np.divide(work, float(divisor), out=work)
        np.ceil(work, out=work)
        out[rows] = work


def _by_int64(lots: IntArray, out: IntArray, *, factor: int, divisor: int) -> None:
    np.abs(lots, out=out)
    out *= factor
    out += divisor - 1
    out //= divisor
