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
from typing import Any, NamedTuple, Self

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
    DatabaseOverloaded,
    FencedOff,
    database_trouble_of,
    translated,
)
from services.journal.writer_lock import claim
from services.shards.rows import JournalRow, RowColumns, stretches_of

# Rows packed at once: about half a megabyte of journal, so that the server works while we pack.
ROWS_PACKED = 1000
# A COPY waits twice for an answer, and COMMIT once: so few rows go with it, and so few bytes, which
# go as text.
ROWS_INSERTED_MAX = 8
BYTES_INSERTED_MAX = 4_096

MOVE_HEADS = """
UPDATE clearing.shard_head AS head
SET seq = moved.seq_after, chain = moved.chain, next_offset = moved.next_offset,
    control_number = moved.control_number
FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS moved (shard, seq_after, chain, next_offset, control_number, seq_before)
WHERE head.shard = moved.shard AND head.seq = moved.seq_before
RETURNING head.shard
"""
NEW_HEADS = """
INSERT INTO clearing.shard_head (shard, seq, chain, next_offset, control_number)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[])
ON CONFLICT (shard) DO NOTHING
RETURNING shard
"""
MOVE_SOURCE = """
UPDATE clearing.source SET position = %s, sha256 = %s, lines = %s, ended = %s
WHERE name = %s AND position = %s
RETURNING name
"""
NEW_SOURCE = """
INSERT INTO clearing.source (position, sha256, lines, ended, name)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (name) DO NOTHING
RETURNING name
"""
INSERT_RUN = """
INSERT INTO clearing.identity (shard, span, seq_first, keys, seqs) VALUES (%s, %s, %s, %s, %s)
"""
INSERT_RECEIPT = """
INSERT INTO clearing.receipt (shard, seq_first, received_at, clock)
VALUES (%s, %s, to_timestamp(%s::bigint), %s)
"""
# While Postgres reads the rows of a COPY it looks at no limit of time: who waits does, at that of a
# statement, where 0 is none.
END_STANDING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()
AND application_name = current_setting('application_name')
AND state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY clearing.%%'
AND query_start < clock_timestamp() - nullif(current_setting('statement_timeout'), '0')::interval
"""
# Who lists the partitions while one is attached may miss it, until told again (migration 0008).
TELL_OF_PARTITIONS = "SELECT clearing.tell_of_partitions(%s)"
NOTIFY_LINK = "SELECT pg_notify('clearing_link', %s)"
NOTIFY_CONTROL = "SELECT pg_notify('clearing_control', '')"


class _Statement(NamedTuple):
    text: str
    values: Sequence[Any] = ()


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
        so long another one may have them. It bounds every statement, so also a large COPY; one that
        waits for more rows is ended by whoever waits for those heads as long.
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
                last = self._append_but_few(IDENTITY, _runs_in(batch), insert=INSERT_RUN)
                last += self._append_but_few(RECEIPT, batch.receipts, insert=INSERT_RECEIPT)
                months = sorted({date(year, month, 1) for _, year, month in made})
                last += [_Statement(TELL_OF_PARTITIONS, [month]) for month in months]
                last += _notices_of(batch)
        except BaseException as error:
            self._roll_back()
            if isinstance(error, DatabaseOverloaded) and (ended := self._end_standing()):
                message = f"{error}; ended {ended} of our connections that stood still in COPY"
                raise DatabaseOverloaded(message) from error
            raise
        self._commit(last)
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
        """Begin with the fence: a second writer waits here and then finds the heads moved."""
        old = [head for head in batch.heads if head.seq_before is not None]
        new = [head for head in batch.heads if head.seq_before is None]
        moves = [_move_heads(heads) for heads in (old, new) if heads]
        sources = [] if batch.source is None else [batch.source]
        cursor = self._send([_Statement("BEGIN"), *moves, *map(_move_source, sources)])
        moved = {name for _ in moves for name in _next_names(cursor)}
        for head in batch.heads:
            if head.shard not in moved:
                state = "new" if head.seq_before is None else f"at seq {head.seq_before}"
                message = f"shard {head.shard} is not {state} any more: another process writes it"
                raise FencedOff(message)
        for source in sources:
            if source.name not in _next_names(cursor):
                message = (
                    f"source {source.name} is not at position {source.position_before} any more: "
                    f"another process reads it"
                )
                raise FencedOff(message)

    def _send(self, statements: Sequence[_Statement]) -> psycopg.ClientCursor[tuple[Any, ...]]:
        """Send statements in one message: who stands still has sent all of them or none.

        Between the messages of one statement Postgres looks at no limit of time: whoever stood
        still there would hold the heads for ever.
        """
        text = ";".join(statement.text for statement in statements)
        values = [value for statement in statements for value in statement.values]
        return psycopg.ClientCursor(self._connection).execute(text.encode(), values)

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

    def _append_but_few(
        self, table: Table, rows: Sequence[Sequence[Any]], *, insert: str
    ) -> list[_Statement]:
        """Append rows; where they are few, the statements that do so together with COMMIT."""
        if _are_few(rows):
            return [_Statement(insert, row) for row in rows]
        self._append_rows(table, rows)
        return []

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

    def _commit(self, last: Sequence[_Statement]) -> None:
        """Commit with the last few statements."""
        try:
            cursor = self._send([*last, _Statement("COMMIT")])
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
        done = cursor.set_result(-1).statusmessage
        assert done == "COMMIT", done

    def _end_standing(self) -> int:
        """End connections that stand still in COPY for longer than a statement may last here."""
        if self._connection.closed:
            return 0
        # The user of the URL may end its own connections, and none of its roles may.
        as_user = _Statement("SET LOCAL ROLE NONE")
        with translated("ending what stands still"):
            cursor = self._send([as_user, _Statement(END_STANDING)])
            return len(cursor.set_result(-1).fetchall())

    def _roll_back(self) -> None:
        """Leave no transaction open; a connection that cannot even do that is closed."""
        try:
            if not self._connection.closed:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()


def _next_names(cursor: psycopg.ClientCursor[tuple[Any, ...]]) -> set[str]:
    """The names that the next of several statements gave."""
    cursor.nextset()
    return {name for (name,) in cursor.fetchall()}


def _move_heads(heads: Sequence[HeadMove]) -> _Statement:
    """Move heads that are all new, or all old; gives the names of those that are moved."""
    columns: list[list[Any]] = [
        [head.shard for head in heads],
        [head.seq_after for head in heads],
        [head.chain for head in heads],
        [head.next_offset for head in heads],
        [head.control_number for head in heads],
    ]
    if heads[0].seq_before is None:
        return _Statement(NEW_HEADS, columns)
    return _Statement(MOVE_HEADS, [*columns, [head.seq_before for head in heads]])


def _move_source(source: SourceMove) -> _Statement:
    values = [source.position, source.sha256, source.lines, source.ended, source.name]
    if source.position_before is None:
        return _Statement(NEW_SOURCE, values)
    return _Statement(MOVE_SOURCE, [*values, source.position_before])


def _are_few(rows: Sequence[Sequence[Any]]) -> bool:
    if len(rows) > ROWS_INSERTED_MAX:
        return False
    lengths = (len(value) for row in rows for value in row if isinstance(value, bytes))
    return sum(lengths) <= BYTES_INSERTED_MAX


def _notices_of(batch: Batch) -> list[_Statement]:
    """Tell who waits for links, or for control commands."""
    targets = sorted({link.target for link in batch.links})
    notices = [_Statement(NOTIFY_LINK, [target]) for target in targets]
    return notices + [_Statement(NOTIFY_CONTROL)] * bool(batch.numbers)


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
