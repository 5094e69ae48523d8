"""The journal's reader: heads, rows, facts, links, snapshots.

In: a URL. Out: tuples in the order of the columns, long answers in blocks of a few megabytes, so
that memory stays flat. Long answers read a snapshot of the database as of their first block, each
on a connection of its own; a server-side cursor in binary carries them (twice the rate of parsing
COPY TO in Python).
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from heapq import merge
from itertools import chain
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple, Self

from psycopg import ServerCursor
from psycopg.sql import SQL

from services.journal.compressed import decompressed
from services.journal.connecting import Connection, connect_to_read
from services.journal.fold_blocks import read_fold_blocks
from services.journal.migrate import check_schema
from services.journal.trouble import translated
from services.shards.rows import DayRow, FoldBlock, JournalRow, LinkRow

# A block of a long answer: at most so many rows, and about so many bytes.
BLOCK_ROWS_MAX = 4000
BLOCK_BYTES = 4 << 20

SELECT_ROWS: LiteralString = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal WHERE shard = %s AND seq > %s AND seq <= %s ORDER BY seq
"""
SELECT_ROWS_AT: LiteralString = """
SELECT shard, seq, business_date, origin, position, decided, input, parts, facts, chain
FROM clearing.journal WHERE shard = %s AND seq = ANY(%s) ORDER BY seq
"""
SELECT_FACTS: LiteralString = """
SELECT shard, seq, decided, parts, facts FROM clearing.journal
WHERE shard = %s AND business_date >= %s AND business_date <= %s ORDER BY seq
"""
SELECT_PARTS: LiteralString = (
    "SELECT facts FROM clearing.journal_part WHERE shard = %s AND seq = %s ORDER BY part"
)
SELECT_LINKS: LiteralString = """
SELECT source, target, number, barrier, seq, last, payload, hash
FROM clearing.link WHERE target = %s AND barrier = %s ORDER BY source, number
"""
SELECT_ANSWERED: LiteralString = (
    "SELECT source FROM clearing.link WHERE target = %s AND barrier = %s AND last ORDER BY source"
)
SELECT_SNAPSHOT: LiteralString = """
SELECT seq, parts, chain, history, business_date, state FROM clearing.snapshot
WHERE shard = %(shard)s AND seq = (
    SELECT max(seq) FROM clearing.snapshot WHERE shard = %(shard)s AND seq <= %(seq)s
) ORDER BY part
"""
SELECT_NUMBERED: LiteralString = """
SELECT command.number, command.seq, row.decided, row.input
FROM clearing.control_number AS command
JOIN clearing.journal AS row USING (shard, seq, business_date)
WHERE command.number > %s AND command.number <= %s ORDER BY command.number
"""
SELECT_NUMBERED_IN: LiteralString = """
SELECT command.number, command.seq, row.decided, row.input
FROM clearing.control_number AS command
JOIN clearing.journal AS row USING (shard, seq, business_date)
WHERE command.number = ANY(%s) ORDER BY command.number
"""
SEQ_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a shard: its last row, the chain up to it, the next offset of its inbox.

    control_number: of the last control command that it knows.
    """

    shard: str
    seq: int
    chain: bytes
    next_offset: int
    control_number: int = 0


@dataclass(frozen=True, slots=True)
class Inbox:
    """The partition that is the inbox of a shard. topic_id: Kafka's own, new with each topic."""

    shard: str
    topic: str
    partition: int
    topic_id: str


class NumberedCommand(NamedTuple):
    """An accepted control command, as recorded in its row of `control/0`."""

    number: int
    seq: int
    logical_time: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """The position up to which a source of commands was read."""

    name: str
    position: int
    sha256: bytes
    lines: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The books of a shard as of a row that closed a day. history: the hash at the close."""

    shard: str
    seq: int
    chain: bytes
    history: bytes
    business_date: date
    state: bytes


class Facts(NamedTuple):
    """One part of the facts of one row; part 0 comes first, the others right after it."""

    shard: str
    seq: int
    part: int
    facts: bytes


FactsRow = tuple[str, int, int, int, bytes]
QueryValues = Sequence[Any] | Mapping[str, Any]


class Reader:
    """The reading end of the journal; not for several threads at once."""

    def __init__(self, url: str) -> None:
        """Connect; the schema must be migrated."""
        self.url = url
        self.connection: Connection = connect_to_read(url)
        self._as_of: str | None = None
        try:
            with translated("opening the journal"):
                check_schema(self.connection)
        except BaseException:
            self.connection.close()
            raise

    def freeze(self) -> None:
        """Read everything as of now from here on, long answers too; the journal may grow."""
        with translated("reading the journal"):
            self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            exported = self.connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert exported is not None
        self._as_of = str(exported[0])

    def heads(self) -> dict[str, Head]:
        """The head of every shard, by name."""
        rows = self._all(
            "SELECT shard, seq, chain, next_offset, control_number "
            "FROM clearing.shard_head ORDER BY 1"
        )
        return {row[0]: Head(*row) for row in rows}

    def inboxes(self) -> list[Inbox]:
        """The partitions of all shards as recorded; none in a journal that is not fed by Kafka."""
        query: LiteralString = (
            "SELECT shard, topic, partition, topic_id FROM clearing.inbox ORDER BY topic, partition"
        )
        return [Inbox(*row) for row in self._all(query)]

    def numbered(self, *, after: int, until: int = SEQ_MAX) -> list[NumberedCommand]:
        """The accepted control commands after one number and up to another, in order."""
        return [NumberedCommand(*row) for row in self._all(SELECT_NUMBERED, [after, until])]

    def numbered_in(self, numbers: Sequence[int]) -> list[NumberedCommand]:
        """The accepted control commands of these numbers, in order."""
        return [NumberedCommand(*row) for row in self._all(SELECT_NUMBERED_IN, [list(numbers)])]

    def last_number(self) -> int:
        """The number of the last accepted control command; 0 before the first."""
        query: LiteralString = "SELECT coalesce(max(number), 0) FROM clearing.control_number"
        return int(self._all(query)[0][0])

    def source(self, name: str) -> Source | None:
        """The recorded position of a source; None if the source was never read."""
        query: LiteralString = (
            "SELECT name, position, sha256, lines, ended FROM clearing.source WHERE name = %s"
        )
        rows = self._all(query, [name])
        return Source(*rows[0]) if rows else None

    def snapshot(self, shard: str, *, seq: int = SEQ_MAX) -> Snapshot | None:
        """The last snapshot of a shard at or before a row, whole."""
        rows = self._all(SELECT_SNAPSHOT, {"shard": shard, "seq": seq})
        if not rows:
            return None
        last, parts, chained, history, day, _ = rows[0]
        assert len(rows) == parts, f"snapshot of {shard} at {last} has {len(rows)} of {parts} parts"
        return Snapshot(shard, last, chained, history, day, b"".join([row[5] for row in rows]))

    def rows(
        self, shard: str, *, after: int = -1, until: int = SEQ_MAX
    ) -> Iterator[list[JournalRow]]:
        """The rows of a shard after one seq and up to another, in order, in blocks."""
        with self._streaming() as connection:
            blocks = _blocks(connection, "rows", query=SELECT_ROWS, values=[shard, after, until])
            for block in blocks:
                yield [*map(JournalRow._make, block)]

    def rows_to_fold(
        self,
        shard: str,
        *,
        after: int = -1,
        until: int = SEQ_MAX,
        has_inputs: bool = False,
    ) -> Generator[FoldBlock, None, None]:
        """The same rows with the columns that folding needs, as columns: no object for each row.

        has_inputs: with the inputs of all rows, not of control commands only.
        """
        with self._streaming() as connection:
            values = [has_inputs, shard, after, until]
            yield from read_fold_blocks(connection, values, rows=BLOCK_ROWS_MAX, size=BLOCK_BYTES)

    def rows_at(self, shard: str, seqs: Sequence[int]) -> list[JournalRow]:
        """The rows of a shard with these seqs, in order."""
        return [*map(JournalRow._make, self._all(SELECT_ROWS_AT, [shard, list(seqs)]))]

    def last_seq(self, shard: str, day: date) -> int | None:
        """The last row of a shard that was decided in a session or before it; None before row 0."""
        query: LiteralString = (
            "SELECT max(seq) FROM clearing.journal WHERE shard = %s AND business_date <= %s"
        )
        seq: int | None = self._all(query, [shard, day])[0][0]
        return seq

    def parts(self, shard: str, seq: int) -> Iterator[bytes]:
        """The facts of a row beyond its first part, in order."""
        with self._streaming() as connection:
            for block in _blocks(connection, "parts", query=SELECT_PARTS, values=[shard, seq]):
                for row in block:
                    yield decompressed(row[0])

    def facts(
        self,
        *,
        shards: Sequence[str] | None = None,
        since: date = date.min,
        until: date = date.max,
    ) -> Iterator[list[Facts]]:
        """The facts of all rows in the order they were decided, in blocks.

        shards: of these only; since and until: of these business dates only, both in.
        """
        with self._streaming() as connection:
            heads = [row[0] for row in connection.execute("SELECT shard FROM clearing.shard_head")]
            streams = [
                _blocks(
                    connection, f"facts {shard}", query=SELECT_FACTS, values=[shard, since, until]
                )
                for shard in sorted(heads)
                if shards is None or shard in shards
            ]
            # Rows of one time, which only workers' shards have, come in the order of the shards.
            rows = merge(*map(chain.from_iterable, streams), key=itemgetter(2))
            yield from _in_blocks(piece for row in rows for piece in _pieces(connection, row))

    def links(self, target: str, barrier: int) -> Iterator[LinkRow]:
        """The links to this shard at a barrier: by source, in order of number."""
        with self._streaming() as connection:
            for block in _blocks(connection, "links", query=SELECT_LINKS, values=[target, barrier]):
                yield from map(LinkRow._make, block)

    def votes(self, target: str, number: int) -> list[LinkRow]:
        """The votes of markets for this one on the spread of a control number."""
        return [*map(LinkRow._make, self._all(SELECT_LINKS, [target, number]))]

    def sources_answered(self, target: str, barrier: int) -> list[str]:
        """The shards whose last link of this barrier is recorded."""
        return [row[0] for row in self._all(SELECT_ANSWERED, [target, barrier])]

    def links_sent(self, source: str) -> int:
        """The number of the last link row of a source; 0 before the first."""
        return self.links_before("member/0", SEQ_MAX).get(source, 0)

    def links_before(self, target: str, barrier: int) -> dict[str, int]:
        """Of each source the number of its last link up to a barrier."""
        query: LiteralString = (
            "SELECT source, max(number) FROM clearing.link "
            "WHERE target = %s AND barrier <= %s GROUP BY source"
        )
        return dict(self._all(query, [target, barrier]))

    def days(self, shard: str) -> list[DayRow]:
        """The day hashes of a shard, in order."""
        query: LiteralString = (
            "SELECT shard, business_date, seq, state_hash, history_hash FROM clearing.day "
            "WHERE shard = %s ORDER BY business_date"
        )
        return [*map(DayRow._make, self._all(query, [shard]))]

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all(self, query: LiteralString, values: QueryValues | None = None) -> list[Any]:
        with translated("reading the journal"):
            return self.connection.execute(query, values, binary=True).fetchall()

    @contextmanager
    def _streaming(self) -> Iterator[Connection]:
        """A connection of its own in one transaction that sees the database as of now."""
        with translated("reading the journal"):
            connection = connect_to_read(self.url)
            try:
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                if self._as_of is not None:
                    connection.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(self._as_of))
                # Rows come by index, in order: sorting millions of them would fill the disk.
                connection.execute("SET LOCAL enable_sort = off")
                yield connection
            finally:
                connection.close()


def _weigh(rows: list[Any]) -> int:
    return sum([len(value) for row in rows for value in row if isinstance(value, bytes)])


def _blocks(
    connection: Connection,
    name: str,
    *,
    query: LiteralString,
    values: list[Any],
) -> Iterator[list[Any]]:
    """An answer in blocks whose rows are fewer where they are longer."""
    with ServerCursor(connection, name) as cursor:
        cursor.execute(query, values, binary=True)
        size = 16
        while rows := cursor.fetchmany(size):
            yield rows
            weight = max(1, _weigh(rows))
            size = max(1, min(BLOCK_ROWS_MAX, 4 * size, len(rows) * BLOCK_BYTES // weight))


def _pieces(connection: Connection, row: FactsRow) -> Iterator[Facts]:
    shard, seq, _, parts, facts = row
    yield Facts(shard, seq, 0, facts)
    if parts > 1:
        blocks = _blocks(connection, "parts", query=SELECT_PARTS, values=[shard, seq])
        later = (decompressed(row[0]) for block in blocks for row in block)
        for part, part_facts in enumerate(later, start=1):
            yield Facts(shard, seq, part, part_facts)


def _in_blocks(pieces: Iterable[Facts]) -> Iterator[list[Facts]]:
    block: list[Facts] = []
    size = 0
    for piece in pieces:
        block.append(piece)
        size += len(piece.facts)
        if len(block) >= BLOCK_ROWS_MAX or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
