"""The journal's writer: one batch, one transaction.

In: a `Batch`. Out: all of it durable, or an exception of `trouble.py` and nothing of it. Law: the
head of every shard of the batch moves from where the batch says it was, or the batch is not
written: two processes can never both extend a shard. A commit is never tried again here;
`CommitUnknown` is answered by reading the heads anew.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import islice
from typing import Any, Self

import psycopg

from services.journal.batch import Batch, HeadMove, SourceMove
from services.journal.connecting import Connection, connect
from services.journal.copying import (
    HEADER,
    TRAILER,
    pack,
    pack_columns,
    pack_journal,
    pack_statements,
)
from services.journal.id_index import runs_of
from services.journal.migrate import check_schema
from services.journal.tables import (
    CONTROL_NUMBER,
    DAY,
    IDENTITY,
    IDENTITY_FILTER,
    IDENTITY_PAGE,
    JOURNAL,
    JOURNAL_PART,
    LINK,
    RECEIPT,
    SETTLEMENT_PRICE,
    SNAPSHOT,
    STATEMENT,
    Table,
)
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    FencedOff,
    database_trouble_of,
    translated,
)
from services.journal.writer_lock import claim
from services.shards.rows import JournalRow, RowColumns, stretches_of

# Rows packed at once: about half a megabyte of journal, so that the server works while we pack.
ROWS_PACKED = 1000
# A COPY waits twice for an answer, and COMMIT once: so few rows go with it.
ROWS_INSERTED_MAX = 8

MOVE_HEADS = """
UPDATE clearing.shard_head AS head
SET seq = moved.seq_after, chain = moved.chain, next_offset = moved.next_offset,
    control_number = moved.control_number
FROM unnest(%b::text[], %b::bigint[], %b::bytea[], %b::bigint[], %b::bigint[], %b::bigint[])
    AS moved (shard, seq_after, chain, next_offset, control_number, seq_before)
WHERE head.shard = moved.shard AND head.seq = moved.seq_before
RETURNING head.shard
"""
NEW_HEADS = """
INSERT INTO clearing.shard_head (shard, seq, chain, next_offset, control_number)
SELECT * FROM unnest(%b::text[], %b::bigint[], %b::bytea[], %b::bigint[], %b::bigint[])
ON CONFLICT (shard) DO NOTHING
RETURNING shard
"""
MOVE_SOURCE = """
UPDATE clearing.source SET position = %b, sha256 = %b, lines = %b, ended = %b
WHERE name = %b AND position = %b
RETURNING name
"""
NEW_SOURCE = """
INSERT INTO clearing.source (position, sha256, lines, ended, name)
VALUES (%b, %b, %b, %b, %b)
ON CONFLICT (name) DO NOTHING
RETURNING name
"""
INSERT_RUN = """
INSERT INTO clearing.identity (shard, span, seq_first, keys, seqs) VALUES (%b, %b, %b, %b, %b)
"""
INSERT_RECEIPT = """
INSERT INTO clearing.receipt (shard, seq_first, received_at, clock)
VALUES (%b, %b, to_timestamp(%b::bigint), %b)
"""


class Journal:
    """The writing end of the journal; not for several threads at once."""

    def __init__(self, url: str) -> None:
        """Connect as `clearing_writer`; the schema must be migrated."""
        self._connection: Connection = connect(url, role="clearing_writer")
        self._partitions: set[tuple[str, int, int]] = set()
        try:
            with translated("opening the journal"):
                check_schema(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def give_up_after(self, seconds: float) -> None:
        """Let Postgres end a transaction in which this connection stands still.

        A process that stands still with a batch half written holds the heads of its shards: after
        so long another one may have them. It bounds every statement, so also a large COPY.
        """
        text = f"{round(seconds * 1000)}ms"
        with translated("bounding a batch"):
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                self._connection.execute("SELECT set_config(%s, %s, false)", [name, text])

    def claim(self, *, is_shared: bool = False) -> None:
        """Be the only process that clears into this database, while this connection lives.

        is_shared: together with other processes, each of which writes shards of its own. Errors:
        FencedOff.
        """
        claim(self._connection, is_shared=is_shared)

    def commit(self, batch: Batch) -> None:
        """Make the batch durable, whole or not at all.

        Errors: FencedOff, DiskFull, DatabaseOverloaded, StatementRefused, DatabaseGone: no row of
        it is durable. CommitUnknown: all rows or none; the heads tell.
        """
        try:
            made = self._make_partitions(batch)
            with translated("writing a batch"):
                self._begin(batch)
                self._append_all(batch)
                runs = self._append_but_few(IDENTITY, _runs_in(batch))
                receipts = self._append_but_few(RECEIPT, batch.receipts)
        except BaseException:
            self._roll_back()
            raise
        self._commit(runs, receipts)
        self._partitions |= made

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_partitions(self, batch: Batch) -> set[tuple[str, int, int]]:
        """Make the partitions of shards and months not written before, each once by a writer."""
        dates = {
            shard_and_date
            for stretch in stretches_of(batch.rows)
            for shard_and_date in (
                [(stretch.shard, stretch.business_date)]
                if isinstance(stretch, RowColumns)
                else {(row.shard, row.business_date) for row in stretch}
            )
        }
        new = {(shard, day.year, day.month) for shard, day in dates} - self._partitions
        for shard, year, month in sorted(new):
            with translated(f"making the journal's partition {year:04}-{month:02} of {shard}"):
                self._connection.execute(
                    "SELECT clearing.make_journal_partition(%s, %s)", [shard, date(year, month, 1)]
                )
        return new

    def _begin(self, batch: Batch) -> None:
        """Begin with the fence: a second writer waits here and then finds the heads moved.

        All of it is sent before the first answer is awaited.
        """
        old = [head for head in batch.heads if head.seq_before is not None]
        new = [head for head in batch.heads if head.seq_before is None]
        sources = [] if batch.source is None else [batch.source]
        with self._connection.pipeline():
            self._connection.execute("BEGIN")
            moved_heads = [self._move_heads(heads) for heads in (old, new) if heads]
            moved_sources = [self._move_source(source) for source in sources]
        moved = {row[0] for cursor in moved_heads for row in cursor.fetchall()}
        for head in batch.heads:
            if head.shard not in moved:
                state = "new" if head.seq_before is None else f"at seq {head.seq_before}"
                message = f"shard {head.shard} is not {state} any more: another process writes it"
                raise FencedOff(message)
        for source, cursor in zip(sources, moved_sources, strict=True):
            if cursor.fetchone() is None:
                message = (
                    f"source {source.name} is not at position {source.position_before} any more: "
                    f"another process reads it"
                )
                raise FencedOff(message)

    def _move_heads(self, heads: Sequence[HeadMove]) -> psycopg.Cursor[Any]:
        """Move heads that are all new, or all old; gives the names of those that are moved."""
        columns: list[list[Any]] = [
            [head.shard for head in heads],
            [head.seq_after for head in heads],
            [head.chain for head in heads],
            [head.next_offset for head in heads],
            [head.control_number for head in heads],
        ]
        if heads[0].seq_before is None:
            return self._connection.execute(NEW_HEADS.encode(), columns)
        before = [head.seq_before for head in heads]
        return self._connection.execute(MOVE_HEADS.encode(), [*columns, before])

    def _move_source(self, source: SourceMove) -> psycopg.Cursor[Any]:
        values: list[Any] = [
            source.position,
            source.sha256,
            source.lines,
            source.ended,
            source.name,
        ]
        query = NEW_SOURCE
        if source.position_before is not None:
            query = MOVE_SOURCE
            values.append(source.position_before)
        return self._connection.execute(query.encode(), values)

    def _append_all(self, batch: Batch) -> None:
        if batch.rows:
            self._append(JOURNAL, _packed_journal(batch.rows))
        self._append_rows(JOURNAL_PART, batch.parts, at_once=1)
        self._append_rows(LINK, batch.links, at_once=1)
        for seal in batch.seals:
            self._append_rows(IDENTITY_PAGE, seal.pages)
            self._append_rows(IDENTITY_FILTER, [(seal.shard, seal.span, seal.words)])
        self._append_rows(SNAPSHOT, batch.snapshots, at_once=1)
        self._append_rows(CONTROL_NUMBER, batch.numbers)
        self._append_rows(DAY, batch.days)
        self._append_rows(SETTLEMENT_PRICE, batch.prices)
        self._append_rows(STATEMENT, batch.statements)
        for target in sorted({link.target for link in batch.links}):
            self._connection.execute("SELECT pg_notify('clearing_link', %s)", [target])
        if batch.numbers:
            self._connection.execute("SELECT pg_notify('clearing_control', '')")

    def _append_but_few(
        self, table: Table, rows: Sequence[Sequence[Any]]
    ) -> Sequence[Sequence[Any]]:
        """Append rows; gives them back where they are few, to be sent together with COMMIT."""
        if len(rows) <= ROWS_INSERTED_MAX:
            return rows
        self._append_rows(table, rows)
        return ()

    def _append_rows(
        self, table: Table, rows: Iterable[Sequence[Any]], *, at_once: int = ROWS_PACKED
    ) -> None:
        if rows:
            pack_slice = _packer(table)
            self._append(table, (pack_slice(slice_rows) for slice_rows in _slices(rows, at_once)))

    def _append(self, table: Table, blocks: Iterable[bytes | memoryview]) -> None:
        with self._connection.cursor().copy(table.copy_in().encode()) as copy:
            copy.write(HEADER)
            for block in blocks:
                copy.write(block)
            copy.write(TRAILER)

    def _commit(self, runs: Iterable[Sequence[Any]], receipts: Iterable[Sequence[Any]]) -> None:
        """Commit with the last few rows, all sent before the first answer is awaited."""
        try:
            with self._connection.pipeline():
                for run in runs:
                    self._connection.execute(INSERT_RUN.encode(), run)
                for receipt in receipts:
                    self._connection.execute(INSERT_RECEIPT.encode(), receipt)
                cursor = self._connection.execute("COMMIT")
        except psycopg.Error as error:
            trouble = database_trouble_of(error, "COMMIT")
            if self._connection.broken or isinstance(trouble, DatabaseGone):
                self._connection.close()
                message = (
                    f"the connection broke during COMMIT, the batch is durable or not: {trouble}"
                )
                raise CommitUnknown(message) from error
            self._roll_back()
            raise trouble from error
        assert cursor.statusmessage == "COMMIT", cursor.statusmessage

    def _roll_back(self) -> None:
        """Leave no transaction open; a connection that cannot even do that is closed."""
        try:
            if not self._connection.closed:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()


def _runs_in(batch: Batch) -> list[tuple[str, int, int, bytes, bytes]]:
    return [
        run for shard, keys, seqs in batch.identities for run in runs_of(shard, keys, seqs=seqs)
    ]


def _packed_journal(rows: Sequence[JournalRow]) -> Iterator[bytes | memoryview]:
    for stretch in stretches_of(rows):
        if isinstance(stretch, RowColumns):
            yield stretch.packed or pack_columns(stretch)
        else:
            yield from map(pack_journal, _slices(stretch))


def _packer(table: Table) -> Callable[[Iterable[Any]], bytes]:
    """The packer of a table: one of its own where it has many rows, else the general one."""
    return pack_statements if table is STATEMENT else partial(pack, table)


def _slices(rows: Iterable[Any], size: int = ROWS_PACKED) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while slice_rows := list(islice(iterator, size)):
        yield slice_rows
