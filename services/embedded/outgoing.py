"""What shards have decided beside their rows, as the tables of a batch.

In: an outbox. Out: a batch without rows, heads and source; the outbox is empty afterwards.
"""

from __future__ import annotations

from services.journal.batch import Batch
from services.shards.clearinghouse import Outbox


def emptied(outbox: Outbox) -> Batch:
    """Everything in the outbox, moved into a batch."""
    batch = Batch(
        links=list(outbox.links),
        prices=outbox.prices,
        statements=outbox.statements,
        numbers=outbox.numbers,
        days=[(shard, day, seq, bytes.fromhex(said)) for shard, day, seq, said in outbox.days],
    )
    outbox.links, outbox.prices, outbox.statements = [], [], []
    outbox.numbers, outbox.days = [], []
    return batch
