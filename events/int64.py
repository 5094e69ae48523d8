"""Exact arithmetic on int64 arrays: the bound is checked first, nothing ever wraps (STYLE §4).

In: int64 arrays and integers. Out: int64 arrays or Python ints. Rule: what does not fit an int64 is
never wrapped (RULEBOOK §1). Errors: OverflowError with the numbers. Only Python ints, int64 and no
division.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
import numpy.typing as npt

from events.units import INT64_MAX, INT64_MIN

IntArray = npt.NDArray[np.int64]

_HALF_BITS: Final = 32
_HALF_MASK: Final = (1 << _HALF_BITS) - 1


def bounds(array: IntArray) -> tuple[int, int]:
    """The least and the greatest element; of an empty array 0 and 0."""
    if array.size == 0:
        return 0, 0
    return int(array.min()), int(array.max())


def magnitude(array: IntArray) -> int:
    """The greatest absolute value in it, also of the least int64, whose `np.abs` would wrap."""
    low, high = bounds(array)
    return max(-low, high)


def magnitude_of(column: array[int]) -> int:
    """The same of a column of the standard library's."""
    return magnitude(np.frombuffer(column, dtype=np.int64))


def add(array: IntArray, other: IntArray) -> IntArray:
    """The sums element by element."""
    sums = array + other
    if not _may_wrap(bounds(array), bounds(other)):
        return sums
    _refuse_wrapped(((array ^ sums) & (other ^ sums)) < 0, array=array, other=other, word="plus")
    return sums


def add_at(array: IntArray, places: slice | IntArray, *, other: IntArray) -> None:
    """Add to some elements in place, no place twice; a slice of them needs no memory of its own."""
    some = array[places]
    if isinstance(places, slice) and not _may_wrap(bounds(some), bounds(other)):
        some += other
    else:
        array[places] = add(some, other)


def as_index(numbers: IntArray) -> IntArray | slice:
    """Rising numbers as an index: a slice, ten times as fast, where none is left out."""
    if not len(numbers):
        return slice(0, 0)
    first, last = int(numbers[0]), int(numbers[-1])
    return slice(first, last + 1) if last - first + 1 == len(numbers) else numbers


def subtract(array: IntArray, other: IntArray) -> IntArray:
    """The differences element by element."""
    low, high = bounds(other)
    differences = array - other
    if not _may_wrap(bounds(array), (-high, -low)):
        return differences
    _refuse_wrapped(
        ((array ^ other) & (array ^ differences)) < 0, array=array, other=other, word="minus"
    )
    return differences


def multiply_subtract(array: IntArray, scalar: int, *, subtrahend: IntArray) -> IntArray:
    """Each element times the scalar, less the subtrahend: lots · Δticks − what was open.

    Only the differences must fit: where products may not, they are Python ints.
    """
    largest = magnitude(array)
    if largest and largest * abs(scalar) + magnitude(subtrahend) <= INT64_MAX:
        products = array * np.int64(scalar)
        products -= subtrahend
        return products
    pairs = zip(array.tolist(), subtrahend.tolist(), strict=True)
    differences = [one * scalar - other for one, other in pairs]
    beyond = next((one for one in differences if not INT64_MIN <= one <= INT64_MAX), None)
    if beyond is not None:
        msg = f"{beyond} is beyond int64"
        raise OverflowError(msg)
    return np.array(differences, dtype=np.int64)


def total(array: IntArray) -> int:
    """The sum of all elements, exact, as a Python int: it may itself lie beyond int64."""
    if magnitude(array) * array.size <= INT64_MAX:
        return int(array.sum())
    high, low = _halves(array)
    return (int(high.sum()) << _HALF_BITS) + int(low.sum())


def totals_by(codes: npt.NDArray[np.intp], array: IntArray, *, groups: int) -> list[int]:
    """The sum of the elements of each group, exact, as Python ints.

    codes: the group of each element, from 0 to groups − 1; a group without elements sums to 0.
    """
    if magnitude(array) * array.size <= INT64_MAX:
        return _sums_by(codes, array, groups=groups)
    halves = [_sums_by(codes, half, groups=groups) for half in _halves(array)]
    return [(high << _HALF_BITS) + low for high, low in zip(*halves, strict=True)]


def _may_wrap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] + second[0] < INT64_MIN or first[1] + second[1] > INT64_MAX


def _refuse_wrapped(
    has_wrapped: npt.NDArray[np.bool_], *, array: IntArray, other: IntArray, word: str
) -> None:
    if not has_wrapped.any():
        return
    place = np.unravel_index(int(has_wrapped.argmax()), has_wrapped.shape)
    left = int(np.broadcast_to(array, has_wrapped.shape)[place])
    right = int(np.broadcast_to(other, has_wrapped.shape)[place])
    msg = f"{left} {word} {right} is beyond int64"
    raise OverflowError(msg)


def _halves(array: IntArray) -> tuple[IntArray, IntArray]:
    """High and low 32 bits: fewer than 2³¹ of either sum inside int64."""
    return array >> _HALF_BITS, array & _HALF_MASK


def _sums_by(codes: npt.NDArray[np.intp], array: IntArray, *, groups: int) -> list[int]:
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, codes, array)
    return [int(value) for value in sums]
