"""Two floors: what Postgres alone takes for the very rows of a run, and for its lines as they came.

The rows: COPY of the journal rows and the identity rows that a run has written, into empty tables
of the same definition, partition, options and indexes in the same Postgres. It is the bound of the
run, and falls with it: rows that become smaller make both faster.
The lines: COPY of each line with its number into a plain table of two columns, the number unique.
No change of ours moves it.
Both are packed beforehand, in batches of the run's size, a transaction each; only the transactions
are timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg

from services.embedded.run import LINES_A_BLOCK
from services.journal.copying import HEADER, TRAILER, pack, pack_journal
from services.journal.reader import Reader
from services.journal.tables import IDENTITY, JOURNAL, Table
from services.shards.rows import JournalRow

_OPTIONS = "WITH (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)"
_TABLES = (
    (
        "CREATE TABLE clearing.floor_journal (LIKE clearing.journal) "
        "PARTITION BY RANGE (business_date)"
    ),
    "CREATE UNIQUE INDEX ON clearing.floor_journal (shard, seq, business_date)",
    (
        "CREATE TABLE clearing.floor_month PARTITION OF clearing.floor_journal "
        "FOR VALUES FROM ('2026-06-01') TO ('2026-07-01') PARTITION BY LIST (shard)"
    ),
    (
        "CREATE TABLE clearing.floor_shard PARTITION OF clearing.floor_month "
        f"FOR VALUES IN ('market/SIT') {_OPTIONS}"
    ),
    "CREATE TABLE clearing.floor_identity (LIKE clearing.identity INCLUDING ALL)",
)
_JOURNAL = replace(JOURNAL, name="floor_journal")
_IDENTITY = replace(IDENTITY, name="floor_identity")
_LINE = Table("floor_line", {"seq": "int8", "line": "bytea"})
_LINE_TABLE = "CREATE TABLE clearing.floor_line (seq bigint NOT NULL UNIQUE, line bytea NOT NULL)"
_RUNS = """
SELECT shard, span, seq_first, keys, seqs FROM clearing.identity
WHERE shard = %s AND seq_first > %s ORDER BY seq_first
"""


def run_floor(url: str, shard: str, *, count: int) -> float:
    """Rows a second of the last so many rows of a shard."""
    with Reader(url) as reader, psycopg.connect(url, autocommit=True) as connection:
        for statement in _TABLES:
            connection.execute(statement.encode())
        after = reader.heads()[shard].seq - count
        rows = (row for block in reader.rows(shard, after=after) for row in block)
        identities = connection.execute(_RUNS.encode(), [shard, after], binary=True).fetchall()
        seconds = sum(_copied(connection, batch) for batch in _batches(rows, identities))
        return count / seconds


def run_line_floor(url: str, path: Path) -> float:
    """Lines a second of a file, each with its number."""
    count, seconds = 0, 0.0
    with path.open("rb") as lines, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_LINE_TABLE.encode())
        numbered = enumerate(line[:-1] for line in lines)
        while some := list(islice(numbered, LINES_A_BLOCK)):
            count += len(some)
            seconds += _copied(connection, [(_LINE, pack(_LINE, some))])
    return count / seconds


def _batches(
    rows: Iterator[JournalRow], identities: list[tuple[Any, ...]]
) -> Iterator[list[tuple[Table, bytes]]]:
    """The rows of each batch, packed, with the runs of ids that begin in it."""
    while some := list(islice(rows, LINES_A_BLOCK)):
        runs = [run for run in identities if some[0][1] <= run[2] <= some[-1][1]]
        yield [(_JOURNAL, pack_journal(some)), (_IDENTITY, pack(IDENTITY, runs))]


def _copied(connection: psycopg.Connection[Any], rows: list[tuple[Table, bytes]]) -> float:
    """Seconds of a transaction that appends packed rows to each table."""
    copies = [(table.copy_in().encode(), HEADER + packed + TRAILER) for table, packed in rows]
    begun = perf_counter()
    with connection.transaction():
        for statement, packed in copies:
            with connection.cursor().copy(statement) as copy:
                copy.write(packed)
    return perf_counter() - begun
