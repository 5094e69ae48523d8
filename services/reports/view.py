"""The journal that reports read, as it stood when the view was opened.

In: a URL, a shard, a business date. Out: rows of that date with their facts; read models; members
and accounts. One read-only transaction, so that all parts of a report speak of the same moment.
Rows of a date are found by the shard's closing row of the date before (table `day`), not by walking
the history.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, LiteralString, Self

from psycopg import ServerCursor

from events.control_commands import CloseSession, RunCycle
from services.hosting.control_history import restore_control
from services.journal.compressed import decompressed
from services.journal.reader import SELECT_PARTS, SEQ_MAX, QueryValues, Reader
from services.journal.trouble import translated
from services.reports.report import (
    DerivedRowsChanged,
    Origin,
    ReportRequest,
    UnknownSubject,
)
from services.reports.short_days import DAY_ROWS, ROWS_OF_SHORT_DAY, ShortDay, ShortDays
from services.reports.stored_row import StoredRow
from settlement.control_books import ControlBooks

_ROWS_AT_ONCE: Final = 500
_SESSIONS_NAMED: Final = 6
_BARRIERS: Final = (RunCycle.TYPE.encode(), CloseSession.TYPE.encode())

_ROWS: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal
WHERE shard = %(shard)s AND business_date = %(day)s AND seq > %(after)s AND seq <= %(until)s
AND (parts > 1 OR
     (SELECT bool_or(position(word IN facts) > 0) FROM unnest(%(words)s::bytea[]) AS word))
ORDER BY seq
"""
# A shard follows the copies of control commands: cycles, closes, the steps of a default. A type may
# be written with escapes: of a line with a backslash only who reads it knows.
_COPIES: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal
WHERE shard = %(shard)s AND business_date = %(day)s AND seq > %(after)s AND seq <= %(until)s
AND origin = 'control/0'
AND (SELECT bool_or(position(word IN input) > 0) FROM unnest(%(words)s::bytea[]) AS word)
ORDER BY seq
"""
_BACKSLASH: Final = b"\\"
_ROWS_AT: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal WHERE shard = %s AND business_date = %s AND seq = ANY(%s) ORDER BY seq
"""
_ROWS_NAMING: Final[LiteralString] = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal
WHERE shard = %(shard)s AND seq >= %(first)s AND business_date >= %(since)s
AND business_date <= %(until)s AND position(%(name)s::bytea IN facts) > 0
ORDER BY seq
"""
_CLOSED: Final[LiteralString] = (
    "SELECT business_date, seq FROM clearing.day WHERE shard = %s AND business_date <= %s "
    "ORDER BY business_date DESC LIMIT 2"
)
_SESSIONS: Final[LiteralString] = (
    "SELECT DISTINCT business_date FROM clearing.journal WHERE shard = 'control/0' "
    "AND business_date > '0001-01-01' ORDER BY business_date"
)
_DATES: Final[LiteralString] = (
    "SELECT seq, business_date FROM clearing.journal WHERE shard = %s AND seq = ANY(%s)"
)
_CHAIN: Final[LiteralString] = "SELECT chain FROM clearing.journal WHERE shard = %s AND seq = %s"
_LAST_NUMBER: Final[LiteralString] = (
    "SELECT max(number) FROM clearing.control_number WHERE business_date = %s"
)
# Members close after all markets: of shards that close by themselves the last one tells.
_LAST_DAY: Final[LiteralString] = (
    "SELECT max(business_date) FROM clearing.day WHERE shard = 'member/0'"
)


class JournalView:
    """A reader with one point in time; a context manager."""

    def __init__(self, url: str) -> None:
        self.reader = Reader(url)
        self.reader.freeze()
        self._control: ControlBooks | None = None
        self._spans: dict[tuple[str, date], tuple[int, int]] = {}
        self._short_days = ShortDays(partial(self._ask_rows, DAY_ROWS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    @property
    def control(self) -> ControlBooks:
        """Members, accounts and products, as of the last row."""
        if self._control is None:
            self._control = restore_control(self.reader)
        return self._control

    def shards(self) -> list[str]:
        """All shards, by name."""
        return sorted(self.reader.heads())

    def markets(self, product: str | None = None) -> list[str]:
        """The market shards, or that of one product. Errors: UnknownSubject, if it is not used."""
        markets = [shard for shard in self.shards() if shard.startswith("market/")]
        if product is None:
            return markets
        products = [shard.partition("/")[2] for shard in markets]
        if product not in products:
            msg = f"no product {product} is in use; there are {', '.join(products) or 'none yet'}"
            raise UnknownSubject(msg)
        return [f"market/{product}"]

    def last_date(self) -> date:
        """The last date that all have closed, else the open one, else the first of the calendar."""
        closed = self.ask(_LAST_DAY)[0][0]
        return closed or self.control.business_date or date.min

    def sessions(self) -> list[date]:
        """The dates of all sessions, the open one last."""
        sessions = [day for (day,) in self.ask(_SESSIONS)]
        session = self.control.business_date
        return sessions if session is None or session in sessions else [*sessions, session]

    def days(self, request: ReportRequest) -> list[date]:
        """The dates asked for that have rows. Errors: UnknownSubject, with the dates there are."""
        first, last = request.first_date, request.business_date
        sessions = self.sessions()
        days = [day for day in (date.min, *sessions) if first <= day <= last]
        if not days:
            msg = f"there is no session {_span(first, last)}; {_sessions_text(sessions, first)}"
            raise UnknownSubject(msg)
        return days

    def control_on(self, day: date) -> ControlBooks:
        """Members, accounts and parameters in force on a date, before its close."""
        last = self.ask(_LAST_NUMBER, [day])[0][0]
        if last is None or day == self.control.business_date:
            return self.control
        return restore_control(self.reader, last - 1)

    def parameter_on(self, day: date, name: str, *, product: str) -> int:
        """A parameter in force on a date; one that nobody ever configured is at its default."""
        configured = {parameter for parameter, _ in self.control.settings}
        control = self.control_on(day) if name in configured else self.control
        return control.parameter(name, product)

    def origins(self, until: date | None) -> Iterator[Origin]:
        """Of each shard the last row of a date or before it, by the journal; None: the last."""
        for shard in self.shards():
            seq = self.reader.last_seq(shard, until or date.max)
            if seq is not None:
                ((chain,),) = self.ask(_CHAIN, [shard, seq])
                yield Origin(shard, seq, chain.hex())

    def barriers(self, shard: str, day: date) -> Iterator[StoredRow]:
        """The rows of the cycles of a date, the close last."""
        yield from self.copies(shard, day, types=_BARRIERS)

    def copies(self, shard: str, day: date, *, types: Sequence[bytes]) -> Iterator[StoredRow]:
        """The rows of a date that follow control commands of these types, in order."""
        words = [*types, _BACKSLASH]
        if self._is_short(shard, day):
            copies = self._short_day(shard, day).copies
            rows: Iterable[StoredRow] = [
                row for row in copies if any(map(row.line.__contains__, words))
            ]
        else:
            rows = self._of_day(f"copies {shard}", _COPIES, shard=shard, day=day, words=words)
        yield from (row for row in rows if row.command_type.encode() in types)

    def rows(self, shard: str, day: date, *, words: Sequence[bytes]) -> Iterable[StoredRow]:
        """The rows of a date, in order, with a fact whose type begins with one of these words.

        A word with a quote may stand anywhere in it. There may be further rows among them.
        """
        if self._is_short(shard, day):
            return self._short_day(shard, day).rows_of(words)
        return self._of_day(f"rows {shard}", _ROWS, shard=shard, day=day, words=words)

    def rows_of_all(
        self, shards: Sequence[str], day: date, *, words: Sequence[bytes]
    ) -> Iterator[StoredRow]:
        """The same over several shards, in the order they were decided; at one time by shard."""
        streams = [self.rows(shard, day, words=words) for shard in shards]
        return heapq.merge(*streams, key=lambda row: (row.decided, row.shard))

    def rows_at(self, shard: str, day: date, *, seqs: Sequence[int]) -> list[StoredRow]:
        """Rows by their numbers."""
        return self._ask_rows(_ROWS_AT, [shard, day, list(seqs)])

    def rows_numbered(self, shard: str, seqs: Sequence[int]) -> list[StoredRow]:
        """Rows by their numbers where their dates are not known."""
        return [self._row(row) for row in self.reader.rows_at(shard, seqs)]

    def rows_naming(self, name: str, *, first: StoredRow, until: date) -> list[StoredRow]:
        """The rows of a shard, from one on, whose facts name an id."""
        values = {
            "shard": first.shard,
            "first": first.seq,
            "since": first.business_date,
            "until": until,
            "name": f'"{name}"'.encode(),
        }
        return self._ask_rows(_ROWS_NAMING, values)

    def ask(self, query: LiteralString, values: QueryValues | None = None) -> list[Any]:
        """All rows of a short answer."""
        with translated("reading the journal"):
            return self.reader.connection.execute(query, values, binary=True).fetchall()

    def _ask_rows(self, query: LiteralString, values: QueryValues) -> list[StoredRow]:
        return [*map(self._row, self.ask(query, values))]

    def _is_short(self, shard: str, day: date) -> bool:
        """True for a date whose rows are read in one answer, once for all reports."""
        if (shard, day) not in self._spans:
            self._spans[shard, day] = self._span(shard, day)
        after, until = self._spans[shard, day]
        return until - after <= ROWS_OF_SHORT_DAY

    def _short_day(self, shard: str, day: date) -> ShortDay:
        return self._short_days.day(shard, day, span=self._spans[shard, day])

    def _of_day(
        self,
        name: str,
        query: LiteralString,
        *,
        shard: str,
        day: date,
        words: Sequence[bytes],
    ) -> Iterator[StoredRow]:
        """Rows of a long date, a few at a time."""
        after, until = self._spans[shard, day]
        values = {"shard": shard, "day": day, "after": after, "until": until, "words": list(words)}
        records = self._streamed(name, query, values=values)
        yield from map(self._row, records)

    def _span(self, shard: str, day: date) -> tuple[int, int]:
        """After which row, and until which, the rows of a date lie. Errors: DerivedRowsChanged."""
        closed = self.ask(_CLOSED, [shard, day])
        if not closed:
            return -1, SEQ_MAX
        if closed[0][0] != day:
            after, until = closed[0][1], SEQ_MAX
        else:
            after, until = (closed[1][1] if len(closed) > 1 else -1), closed[0][1]
        following = min(until, SEQ_MAX - 1) + 1
        for seq, found_day in self.ask(_DATES, [shard, [after, following]]):
            if not (found_day < day if seq == after else found_day > day):
                row = f"the journal's row {seq} of {found_day}"
                msg = f"not printed: day {shard}: a close hides {row}"
                raise DerivedRowsChanged(msg)
        return after, until

    def _row(self, row: Sequence[Any]) -> StoredRow:
        shard, seq, day, origin, position, decided, line, parts, facts, chain = row
        later_parts = partial(self._parts, shard, seq) if parts > 1 else None
        return StoredRow(
            shard, seq, day, origin, position, decided, line, chain, facts, later_parts
        )

    def _parts(self, shard: str, seq: int) -> Iterator[bytes]:
        for record in self._streamed(f"parts {shard} {seq}", SELECT_PARTS, values=[shard, seq]):
            yield decompressed(record[0])

    def _streamed(self, name: str, query: LiteralString, *, values: QueryValues) -> Iterator[Any]:
        """A long answer, a few rows at a time."""
        with (
            translated("reading the journal"),
            ServerCursor(self.reader.connection, name) as cursor,
        ):
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(query, values, binary=True)


def _span(first: date, last: date) -> str:
    if first == last:
        return f"on {first}"
    return f"from {first} on" if last == date.max else f"from {first} to {last}"


def _sessions_text(sessions: Sequence[date], about: date) -> str:
    """The sessions there are: all of a few, else how many and those about a date."""
    if not sessions:
        return "none was opened yet"
    if len(sessions) <= _SESSIONS_NAMED:
        return f"there are {', '.join(map(str, sessions))}"
    index = bisect_left(sessions, about)
    near = sessions[max(0, index - 1) : index + 1]
    return (
        f"there are {len(sessions)} from {sessions[0]} to {sessions[-1]}, "
        f"nearest {' and '.join(map(str, near))}"
    )
