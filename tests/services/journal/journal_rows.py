"""Builders of batches: rows whose content tells where they belong."""

from collections.abc import Sequence
from datetime import date

import psycopg

from services.journal.batch import Batch, HeadMove
from services.shards.rows import JournalRow

DAY = date(2026, 3, 2)
SIT = "market/SIT"


def row(
    shard: str, seq: int, *, day: date = DAY, time: int | None = None, facts: bytes = b"facts"
) -> JournalRow:
    """A row of the journal."""
    time = seq if time is None else time
    line = b"input %d" % seq
    return JournalRow(shard, seq, day, "feed", 100 * seq, time, line, 1, facts, chain(seq))


def rows(shard: str, seqs: Sequence[int]) -> list[JournalRow]:
    """Rows of one shard."""
    return [row(shard, seq) for seq in seqs]


def chain(seq: int) -> bytes:
    """Thirty-two bytes that stand for the chain up to this row."""
    return seq.to_bytes(32, "big", signed=True)


def move(shard: str, before: int | None, after: int) -> HeadMove:
    """The head of a shard goes on."""
    return HeadMove(shard, before, after, chain(after), after + 1)


def batch_of(shard: str, before: int | None, after: int) -> Batch:
    """The rows of a shard after one seq up to another, with the move of its head."""
    first = 0 if before is None else before + 1
    return Batch(rows=rows(shard, range(first, after + 1)), heads=[move(shard, before, after)])


def partitions_of_rows(url: str) -> list[str]:
    """Of each row of the journal, by seq, the partition it lies in."""
    with psycopg.connect(url) as connection:
        query = "SELECT relname FROM clearing.journal, pg_class WHERE oid = journal.tableoid"
        return [name for (name,) in connection.execute(f"{query} ORDER BY seq".encode())]
