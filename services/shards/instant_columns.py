"""Instants by columns: thousands of texts to nanoseconds at once (WIRE §1).

In: texts `YYYY-MM-DDTHH:MM:SS`, perhaps with up to nine decimals, and `Z`. Out: UTC nanoseconds as
int64. The slow twin is `events.units.parse_instant`.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray
from events.texts import Texts
from events.units import DAY_NS, INT64_MIN, SECOND_NS

# Marks an instant that does not exist, or lies beyond the years 1824 to 2115.
NEVER: Final = INT64_MIN

_TEXT_BYTES: Final = len("2026-06-08T00:00:18.123456789Z")
_WHOLE_BYTES: Final = len("2026-06-08T00:00:18Z")
_MARKS_AT: Final = [4, 7, 10, 13, 16]
_MARKS: Final = np.frombuffer(b"--T::", np.uint8)
_NINE: Final = 9
_ZERO: Final = ord("0")
_DAY_AT: Final = [0, 1, 2, 3, 5, 6, 8, 9]
_DAY_TENS: Final = 10 ** np.arange(7, -1, -1, dtype=np.int64)
_CLOCK_AT: Final = [11, 12, 14, 15, 17, 18]
_CLOCK: Final = np.array([36_000, 3_600, 600, 60, 10, 1], dtype=np.int64)
_FRACTION: Final = slice(20, 29)
_FRACTION_TENS: Final = 10 ** np.arange(8, -1, -1, dtype=np.int64)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_BOUND: Final = 1 << 62

Bytes = npt.NDArray[np.uint8]


def instants_of(texts: Texts) -> IntArray:
    """Instants from texts, NEVER where the form is another or there is no such time."""
    table = texts.padded(_TEXT_BYTES)
    raw = table.view(np.uint8).reshape(len(table), table.itemsize)
    digits = raw - np.uint8(_ZERO)
    digits *= digits <= _NINE
    days = digits[:, _DAY_AT] @ _DAY_TENS
    midnights = _midnights(days)
    instants: IntArray = midnights + digits[:, _CLOCK_AT] @ _CLOCK * SECOND_NS
    if int(texts.lengths.max(initial=0)) > _WHOLE_BYTES:
        instants += digits[:, _FRACTION] @ _FRACTION_TENS
    is_wrong = (raw[:, _MARKS_AT] != _MARKS).any(axis=1) | (texts.lengths > _TEXT_BYTES)
    instants[is_wrong | (midnights == NEVER) | _is_no_time(digits)] = NEVER
    return instants


def canonical_texts(texts: Texts) -> Texts:
    """The instants with as many decimals as needed and without `Z`. texts: of the right form."""
    letters, ends = np.frombuffer(texts.buffer, np.uint8), np.maximum(texts.ends - 1, texts.starts)
    rows = np.flatnonzero(texts.lengths > _WHOLE_BYTES)
    while len(rows):
        rows = rows[letters[ends[rows] - 1] == _ZERO]
        ends[rows] -= 1
    ends[(ends - texts.starts == _WHOLE_BYTES)] -= 1
    return Texts(texts.buffer, texts.starts, ends)


def _is_no_time(digits: Bytes) -> npt.NDArray[np.bool_]:
    """Whether the hour is beyond 23, the minute or the second beyond 59."""
    late = (digits[:, 11] * 10 + digits[:, 12]) > 23  # noqa: PLR2004 - the day's last hour
    return late | (digits[:, 14] > 5) | (digits[:, 17] > 5)  # noqa: PLR2004 - tens of minutes


def _midnights(days: IntArray) -> IntArray:
    """The first instants of days, which mostly are one."""
    if len(days) and (days == days[0]).all():
        return np.full(len(days), _midnight(int(days[0])))
    unique, inverse = np.unique(days, return_inverse=True)
    return np.array([_midnight(day) for day in unique.tolist()], dtype=np.int64)[inverse]


def _midnight(day: int) -> int:
    """The first instant of a day written YYYYMMDD."""
    try:
        midnight = (date(day // 10_000, day // 100 % 100, day % 100).toordinal() - _EPOCH) * DAY_NS
    except ValueError:
        return NEVER
    return midnight if abs(midnight) < _BOUND else NEVER
