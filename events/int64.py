"""Exact arithmetic on int64 arrays: the bound is checked first, nothing ever wraps.

In: int64 arrays and integers. Out: int64 arrays or Python ints. Rule: a number beyond int64 is an
error, never wrapped (RULEBOOK §1). Errors: OverflowError with the numbers. Only Python ints, int64
and no division.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from events.units import INT64_MAX, INT64_MIN

IntArray = npt.NDArray[np.int64]

_HALF_BITS: Final = 32
_HALF_MASK: Final = (1 << _HALF_BITS) - 1


def integers(values: Iterable[int], count: int) -> IntArray:
    """A column of `count` integers."""
    return np.fromiter(values, dtype=np.int64, count=count)


def bounds(array: IntArray) -> tuple[int, int]:
    """The least and the greatest element; of an empty array 0 and 0."""
    if array.size == 0:
        return 0, 0
    return int(array.min()), int(array.max())


def magnitude(array: IntArray) -> int:
    """The greatest absolute value; exact for the least int64 too, whose `np.abs` would wrap."""
    low, high = bounds(array)
    return max(-low, high)


def magnitude_of(column: array[int]) -> int:
    """The greatest absolute value in an `array.array`."""
    return magnitude(np.frombuffer(column, dtype=np.int64))


def add(array: IntArray, addend: IntArray) -> IntArray:
    """The sums element by element."""
    sums = array + addend
    if not _may_wrap(bounds(array), bounds(addend)):
        return sums
    has_wrapped = ((array ^ sums) & (addend ^ sums)) < 0
    _refuse_wrapped(has_wrapped, array=array, operand=addend, word="plus")
    return sums


def add_at(array: IntArray, index: slice | IntArray, *, addend: IntArray) -> None:
    """Add to the elements of an index in place. index: no number twice; a slice copies nothing."""
    selected = array[index]
    if isinstance(index, slice) and not _may_wrap(bounds(selected), bounds(addend)):
        selected += addend
    else:
        array[index] = add(selected, addend)


def as_index(numbers: IntArray) -> IntArray | slice:
    """Rising numbers as an index: consecutive ones as a slice, which is ten times as fast."""
    if not len(numbers):
        return slice(0, 0)
    first, last = int(numbers[0]), int(numbers[-1])
    return slice(first, last + 1) if last - first + 1 == len(numbers) else numbers


def subtract(array: IntArray, subtrahend: IntArray) -> IntArray:
    """The differences element by element."""
    low, high = bounds(subtrahend)
    differences = array - subtrahend
    if not _may_wrap(bounds(array), (-high, -low)):
        return differences
    has_wrapped = ((array ^ subtrahend) & (array ^ differences)) < 0
    _refuse_wrapped(has_wrapped, array=array, operand=subtrahend, word="minus")
    return differences


def shortfall(required: IntArray, available: IntArray) -> IntArray:
    """What each element lacks to the required one, 0 if nothing; at most int64's largest."""
    most = np.minimum(required, available)
    # The difference is between 0 and 2⁶⁴ − 1, and exact in uint64.
    lacking = required.astype(np.uint64) - most.astype(np.uint64)
    return np.minimum(lacking, INT64_MAX).astype(np.int64)


def multiply_subtract(array: IntArray, scalar: int, *, subtrahend: IntArray) -> IntArray:
    """Each element times the scalar, less the subtrahend: lots · Δticks − open cents.

    Only the differences must fit: products that may not are computed as Python ints.
    """
    largest = magnitude(array)
    if largest and largest * abs(scalar) + magnitude(subtrahend) <= INT64_MAX:
        products = array * np.int64(scalar)
        products -= subtrahend
        return products
    pairs = zip(array.tolist(), subtrahend.tolist(), strict=True)
    differences = [factor * scalar - subtracted for factor, subtracted in pairs]
    for difference in differences:
        if not INT64_MIN <= difference <= INT64_MAX:
            msg = f"{difference} is beyond int64"
            raise OverflowError(msg)
    return np.array(differences, dtype=np.int64)


def total(array: IntArray) -> int:
    """The sum of all elements, exact, as a Python int, which may lie beyond int64."""
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
    has_wrapped: npt.NDArray[np.bool_], *, array: IntArray, operand: IntArray, word: str
) -> None:
    if not has_wrapped.any():
        return
    index = np.unravel_index(int(has_wrapped.argmax()), has_wrapped.shape)
    first = int(np.broadcast_to(array, has_wrapped.shape)[index])
    second = int(np.broadcast_to(operand, has_wrapped.shape)[index])
    msg = f"{first} {word} {second} is beyond int64"
    raise OverflowError(msg)


def _halves(array: IntArray) -> tuple[IntArray, IntArray]:
    """High and low 32 bits: the sum of up to 2³¹ − 1 halves fits an int64."""
    return array >> _HALF_BITS, array & _HALF_MASK


def _sums_by(codes: npt.NDArray[np.intp], array: IntArray, *, groups: int) -> list[int]:
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, codes, array)
    return [int(value) for value in sums]
