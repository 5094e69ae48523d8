"""Rows into the binary format of COPY, and back.

In: rows as tuples in the order of a table's columns. Out: one block of bytes without header and
trailer. Journal rows, of which there are millions, have packers of their own; all others share a
general one. Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from struct import Struct
from typing import Any

import numpy as np

from events.chain import CHAIN_BYTES
from events.texts import joined_in_one, records
from services.journal.compressed import packed
from services.journal.tables import JOURNAL, Kind, Table
from services.shards.rows import JournalRow, RowColumns, StatementRow

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# Postgres counts days from here.
POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_POSTGRES_EPOCH_S = (POSTGRES_EPOCH - date(1970, 1, 1).toordinal()) * 86_400
_INT2 = Struct(">h").pack
_INT4 = Struct(">i").pack
_NULL = _INT4(-1)
_FIELD_INT4 = Struct(">ii").pack
_FIELD_INT8 = Struct(">iq").pack
_FIELD_BOOL = Struct(">i?").pack
# Fields of a journal row that lie between two of free length, with the length of the next one.
_SEQ_DATE = Struct(">iqii").pack
_POSITION_TIME = Struct(">iqiqi").pack
_PARTS = Struct(">iii").pack
# The five amounts of a statement, with the length of the text behind them.
_CENTS = Struct(">iqiqiqiqiqi").pack


def pack_journal(rows: Iterable[JournalRow]) -> bytes:
    """Journal rows as COPY wants them; the hot path, about half a microsecond a row.

    Runs of rows of the same shard, origin and date pack those once.
    """
    pieces: list[bytes] = []
    extend = pieces.extend
    shard_last = origin_last = date_last = None
    head, source, days = b"", b"", 0
    for shard, seq, day, origin, position, logical_time, command, parts, facts, chain in rows:
        if shard is not shard_last:
            shard_last, head = shard, _INT2(10) + _text(shard)
        if origin is not origin_last:
            origin_last, source = origin, _text(origin)
        if day is not date_last:
            date_last, days = day, _days(day)
        extend(
            (
                head,
                _SEQ_DATE(8, seq, 4, days),
                source,
                _POSITION_TIME(8, position, 8, logical_time, len(command)),
                command,
                _PARTS(4, parts, len(facts)),
                facts,
                _bytea(chain),
            )
        )
    return b"".join(pieces)


def pack_columns(rows: RowColumns) -> memoryview:
    """The same for rows that stand as columns."""
    count = len(rows)
    seqs, days = np.arange(rows.seq, rows.seq + count), _days(rows.business_date)
    lines, facts = rows.lines.lengths, rows.facts.lengths
    chains = np.frombuffer(rows.chains, f"V{CHAIN_BYTES}")
    pieces = (
        _INT2(len(JOURNAL.columns)) + _text(rows.shard),
        records(count, (">i4", 8), (">i8", seqs), (">i4", 4), (">i4", days)),
        _text(rows.origin),
        records(count, (">i4", 8), (">i8", rows.positions), (">i4", 8), (">i8", rows.times)),
        records(count, (">i4", lines)),
        rows.lines,
        records(count, (">i4", 4), (">i4", 1), (">i4", facts)),
        rows.facts,
        records(count, (">i4", CHAIN_BYTES), (chains.dtype, chains)),
    )
    return joined_in_one(pieces)


def pack_statements(rows: Iterable[StatementRow]) -> bytes:
    """Statements as COPY wants them, a row for each account at a cycle; about a microsecond a row.

    Rows of one making pack its shard, row, date and cycle once, those of a member its name once.
    """
    pieces: list[bytes] = []
    extend = pieces.extend
    making, owners = None, dict[tuple[str, str], bytes]()
    head, tail = b"", b""
    for shard, seq, account, member, origin, day, cycle, *cents, positions in rows:
        if (shard, seq, day, cycle) != making:
            making, owners = (shard, seq, day, cycle), {}
            head = _INT2(13) + _text(shard) + _FIELD_INT8(8, seq)
            tail = _FIELD_INT4(4, _days(day)) + _text(cycle)
        owner = owners.get((member, origin))
        if owner is None:
            owner = owners[member, origin] = _text(member) + _text(origin) + tail
        cash, variation, initial, maintenance, equity = cents
        text = positions.encode()
        amounts = _CENTS(8, cash, 8, variation, 8, initial, 8, maintenance, 8, equity, len(text))
        extend((head, _text(account), owner, amounts, text))
    return b"".join(pieces)


def pack(table: Table, rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows of any table as COPY wants them; None is NULL."""
    kinds = [_PACKERS[kind] for kind in table.columns.values()]
    count = _INT2(len(kinds))
    pieces: list[bytes] = []
    for row in rows:
        pieces.append(count)
        pieces.extend(
            [
                _NULL if value is None else pack_one(value)
                for pack_one, value in zip(kinds, row, strict=True)
            ]
        )
    return b"".join(pieces)


def _days(day: date) -> int:
    return day.toordinal() - POSTGRES_EPOCH


def _text(value: str) -> bytes:
    return _bytea(value.encode())


def _bytea(value: bytes) -> bytes:
    return _INT4(len(value)) + value


_PACKERS: dict[Kind, Callable[[Any], bytes]] = {
    "text": _text,
    "bytea": _bytea,
    "packed": lambda value: _bytea(packed(value)),
    "int4": lambda value: _FIELD_INT4(4, value),
    "int8": lambda value: _FIELD_INT8(8, value),
    "bool": lambda value: _FIELD_BOOL(1, value),
    "timestamptz": lambda value: _FIELD_INT8(8, (value - _POSTGRES_EPOCH_S) * 1_000_000),
    "date": lambda value: _FIELD_INT4(4, _days(value)),
}
