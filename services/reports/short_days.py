"""The rows of short dates, read once for all reports of a view.

In: a shard, a business date and the rows between which it lies. Out: its rows, all of them. Those
that were read last stay, up to a number of bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final, LiteralString

from services.shards.rows import JournalRow

DAY_ROWS: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal
WHERE shard = %(shard)s AND business_date = %(day)s AND seq > %(after)s AND seq <= %(until)s
ORDER BY seq
"""
BYTES_KEPT: Final = 64 << 20
ROWS_OF_SHORT_DAY: Final = 500
_ROW_BYTES: Final = 300


class ShortDays:
    """Rows by shard and date. read: asks the journal for those of a date."""

    def __init__(self, read: Callable[[dict[str, Any]], list[JournalRow]]) -> None:
        self._read = read
        self._days: dict[tuple[str, date], list[JournalRow]] = {}
        self._bytes = 0

    def rows(self, shard: str, day: date, *, span: tuple[int, int]) -> list[JournalRow]:
        """All rows of a date, in order. span: after which row and until which they lie."""
        key = (shard, day)
        if key not in self._days:
            after, until = span
            rows = self._read({"shard": shard, "day": day, "after": after, "until": until})
            self._bytes += _weight(rows)
            self._days[key] = rows
            while self._bytes > BYTES_KEPT and len(self._days) > 1:
                self._bytes -= _weight(self._days.pop(next(iter(self._days))))
        return self._days[key]


def _weight(rows: list[JournalRow]) -> int:
    return sum([_ROW_BYTES + len(row.line) + len(row.facts) for row in rows])
