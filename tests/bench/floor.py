"""The floor: what Postgres alone takes for the very rows of a run.

COPY of the journal rows and the identity rows that a run has written, packed beforehand, in
batches of the same size, a transaction each, into empty tables of the same definition, partition,
options and indexes in the same Postgres. Only the transactions are timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from time import perf_counter
from typing import Any

import psycopg

from services.embedded.run import LINES_A_BLOCK
from services.journal.copying import HEADER, TRAILER, pack, pack_journal
from services.journal.reader import Reader
from services.journal.tables import IDENTITY, JOURNAL, Table
from services.shards.rows import JournalRow

_MONTH = "FOR VALUES FROM ('2026-06-01') TO ('2026-07-01')"
_TABLES = (
    (
        "CREATE TABLE clearing.floor_journal (LIKE clearing.journal) "
        "PARTITION BY RANGE (business_date)"
    ),
    "CREATE UNIQUE INDEX ON clearing.floor_journal (shard, seq, business_date)",
    (
        "CREATE TABLE clearing.floor_month (LIKE clearing.journal) "
        "WITH (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)"
    ),
    f"ALTER TABLE clearing.floor_journal ATTACH PARTITION clearing.floor_month {_MONTH}",
    "CREATE TABLE clearing.floor_identity (LIKE clearing.identity INCLUDING ALL)",
)
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
        seconds = sum(
            _copied(connection, journal, runs) for journal, runs in _batches(rows, identities)
        )
        return count / seconds


def _batches(
    rows: Iterator[JournalRow], identities: list[tuple[Any, ...]]
) -> Iterator[tuple[bytes, bytes]]:
    """The rows of each batch, packed, with the runs of ids that begin in it."""
    while some := list(islice(rows, LINES_A_BLOCK)):
        runs = [run for run in identities if some[0][1] <= run[2] <= some[-1][1]]
        yield HEADER + pack_journal(some) + TRAILER, HEADER + pack(IDENTITY, runs) + TRAILER


def _copied(connection: psycopg.Connection[Any], journal: bytes, runs: bytes) -> float:
    begun = perf_counter()
    with connection.transaction():
        for table, packed in ((JOURNAL, journal), (IDENTITY, runs)):
            with connection.cursor().copy(_copy_in(table)) as copy:
                copy.write(packed)
    return perf_counter() - begun


def _copy_in(table: Table) -> bytes:
    return table.copy_in().replace("clearing.", "clearing.floor_").encode()
