"""Reading how far each shard is: its head, the age of its last row, its last close.

In: a reader. Out: one row for each shard that has begun.
"""

from __future__ import annotations

from datetime import date
from typing import Final, LiteralString, NamedTuple

from services.journal.reader import Reader
from services.journal.trouble import translated

_STATES: Final[LiteralString] = """
SELECT head.shard, head.seq, head.next_offset, head.control_number, receipt.age_s,
    close.business_date, encode(close.history_hash, 'hex')
FROM clearing.shard_head AS head
LEFT JOIN LATERAL (
    SELECT extract(epoch FROM clock_timestamp() - received_at)::float8 AS age_s
    FROM clearing.receipt WHERE shard = head.shard ORDER BY seq_first DESC LIMIT 1
) AS receipt ON true
LEFT JOIN LATERAL (
    SELECT business_date, history_hash
    FROM clearing.day WHERE shard = head.shard ORDER BY business_date DESC LIMIT 1
) AS close ON true
ORDER BY head.shard
"""


class ShardState(NamedTuple):
    """The last durable row of a shard, and its last close.

    next_offset: of its inbox; control_number: of the last control command that it knows; age_s:
    since the input of that row was received, None of rows without a receipt; history_hash: in hex.
    """

    shard: str
    seq: int
    next_offset: int
    control_number: int
    age_s: float | None
    business_date: date | None
    history_hash: str | None


def shard_states(reader: Reader) -> list[ShardState]:
    """The states of all shards that have begun."""
    with translated("reading the state of all shards"):
        rows = reader.connection.execute(_STATES).fetchall()
    return [ShardState(*row) for row in rows]
