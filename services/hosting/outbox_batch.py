"""What shards have decided, as a batch for the journal.

In: what each shard's log has handed over. Out: a batch without heads and source.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.journal.batch import Batch
from services.shards.log import Pending


def batch_of(pending: Iterable[Pending]) -> Batch:
    """Everything that was handed over, shard after shard."""
    batch = Batch()
    for shards in pending:
        batch.rows += shards.rows
        batch.parts += shards.parts
        batch.links += shards.links
        batch.prices += shards.prices
        batch.statements += shards.statements
        batch.days += shards.days
        batch.numbers += shards.numbers
    return batch
