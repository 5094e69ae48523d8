"""The rows of short dates, read once for all reports of a view.

In: a shard, a business date and the rows between which it lies. Out: its rows, all of them, found
by the types of their facts. Those that were read last stay, up to a number of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final, LiteralString

from services.reports.stored_row import FACT_HEAD, StoredRow
from services.shards.routing import CONTROL_SHARD

DAY_ROWS: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal
WHERE shard = %(shard)s AND business_date = %(day)s AND seq > %(after)s AND seq <= %(until)s
ORDER BY seq
"""
BYTES_KEPT: Final = 64 << 20
ROWS_OF_SHORT_DAY: Final = 500
_ROW_BYTES: Final = 300
_QUOTE: Final = b'"'


class ShortDay:
    """All rows of a short date, in order. copies: those that follow control commands."""

    def __init__(self, rows: Sequence[StoredRow]) -> None:
        self.copies = [row for row in rows if row.origin == CONTROL_SHARD]
        self.bytes_held = sum([_ROW_BYTES + len(row.line) + len(row.first) for row in rows])
        self._rows = rows
        self._in_parts = [index for index, row in enumerate(rows) if row.later_parts is not None]
        self._by_type: dict[bytes, list[int]] = {}
        begins = len(FACT_HEAD)
        for index, row in enumerate(rows):
            types = [line[begins : line.find(_QUOTE, begins)] for line in row.first.split(b"\n")]
            for kind in dict.fromkeys(types):
                self._by_type.setdefault(kind, []).append(index)

    def rows_of(self, words: Sequence[bytes]) -> Iterable[StoredRow]:
        """The rows with a fact whose type begins with one of these words, or which holds one.

        A word with a quote may stand anywhere. A row in parts is always among them.
        """
        if any(_QUOTE in word for word in words):
            return [
                row
                for row in self._rows
                if row.later_parts is not None or any(map(row.first.__contains__, words))
            ]
        starts = tuple(words)
        indices = [*self._in_parts]
        for kind, of_kind in self._by_type.items():
            if kind.startswith(starts):
                indices += of_kind
        return [self._rows[index] for index in sorted(dict.fromkeys(indices))]


class ShortDays:
    """Short dates by shard. read: asks the journal for the rows of one."""

    def __init__(self, read: Callable[[dict[str, Any]], Sequence[StoredRow]]) -> None:
        self._read = read
        self._days: dict[tuple[str, date], ShortDay] = {}
        self._bytes = 0

    def day(self, shard: str, day: date, *, span: tuple[int, int]) -> ShortDay:
        """A date. span: after which row and until which its rows lie."""
        key = (shard, day)
        if key not in self._days:
            after, until = span
            values = {"shard": shard, "day": day, "after": after, "until": until}
            self._days[key] = ShortDay(self._read(values))
            self._bytes += self._days[key].bytes_held
            while self._bytes > BYTES_KEPT and len(self._days) > 1:
                self._bytes -= self._days.pop(next(iter(self._days))).bytes_held
        return self._days[key]
