"""Initial and maintenance margin of many accounts at once, exact to the cent (RULEBOOK §5).

In: lots of one contract and what a lot of either side may lose, for a rate its price in cents times
the rate in ppm; or initial margin. Out: the margin of each position, ceil(|lots| · price · rate /
10⁶); the share of it for maintenance.
Each column is computed by the fastest method that is exact for its largest position; a naive twin
in Python ints is tested against all of them.
"""

from __future__ import annotations

from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, bounds
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
    """Write the margin of one contract's positions to `out`; returns the greatest of them."""
    assert price_cents >= 0, f"expected a price of at least 0, found {price_cents}"
    assert rate_ppm >= 0, f"expected a rate of at least 0, found {rate_ppm}"
    return side_column(lots, losses=(price_cents * rate_ppm,) * 2, divisor=PPM, out=out)


def side_column(lots: IntArray, *, losses: tuple[int, int], divisor: int, out: IntArray) -> int:
    """Write ceil(|lots| · loss of the side / divisor) to `out`; returns the greatest of them.

    losses: of a lot long and of one short, at least 0. The fractions are brought to lowest terms
    first, so that fewer columns are large.
    """
    assert min(losses) >= 0, f"expected losses of at least 0, found {losses}"
    shared = gcd(*losses, divisor)
    long, short, divisor = (number // shared for number in (*losses, divisor))
    low, high = bounds(lots)
    part_max = ceil_div(max(high * long, -low * short), divisor)
    assert part_max <= INT64_MAX, f"margin of {part_max} cents is beyond int64"
    product_max = max(-low, high) * max(long, short)
    if product_max == 0:
        out[:] = 0
    elif max(product_max, divisor) < _FLOAT_EXACT:
        _by_float(lots, out, factors=(long, short), divisor=divisor)
    elif product_max + divisor <= INT64_MAX:
        np.multiply(lots, long, out=out)
        np.maximum(out, lots * -short, out=out)
        out += divisor - 1
        out //= divisor
    else:
        losses_of = (max(position * long, position * -short) for position in lots.tolist())
        out[:] = [ceil_div(loss, divisor) for loss in losses_of]
    return part_max


def _by_float(lots: IntArray, out: IntArray, *, factors: tuple[int, int], divisor: int) -> None:
    """Exact although in float64: the dividend is an integer x below 2⁵³, the divisor d an integer.

    Division rounds correctly, so it errs by at most x/d · 2⁻⁵³ < 1/d. A quotient that is no integer
    lies at least 1/d from the next integer and cannot be rounded past it; an integer is exact.
    """
    long, short = map(float, factors)
    scratch: npt.NDArray[np.float64] = np.empty((2, min(_BLOCK_ROWS, lots.size)))
    for start in range(0, lots.size, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        block = lots[rows]
        work, opposite = scratch[:, : block.size]
        work[:] = block
        if long == short:
            np.abs(work, out=work)
        else:
            np.multiply(work, -short, out=opposite)
        np.multiply(work, long, out=work)
        if long != short:
            np.maximum(work, opposite, out=work)
        np.divide(work, float(divisor), out=work)
        np.ceil(work, out=work)
        out[rows] = work
