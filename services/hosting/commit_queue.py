"""Batches on their way to the journal, with the ids that each makes known.

In: rows that shards have decided, in order. Out: batches, durable in the same order, each written
while the next is decided. Ids stay in memory until their batch is durable; then the journal has
them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from services.hosting.id_memory import IdMemory, SubmittedIds
from services.journal.batch import Batch
from services.journal.pipeline import Committing, PipelinedWriter
from services.shards.log import Pending
from services.shards.rows import JournalRows


class CommitQueue:
    """A writer and the batches that are not durable yet.

    done: called on the writing thread with each batch that is durable.
    """

    def __init__(
        self,
        journal: Committing,
        memory: IdMemory,
        *,
        done: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        self._memory = memory
        self._done = done
        self._submitted: deque[tuple[Batch, list[SubmittedIds]]] = deque()
        self._durable: deque[Batch] = deque()
        self.writer = PipelinedWriter(journal, self._note_durable)

    @property
    def is_durable(self) -> bool:
        """True if every submitted batch is durable."""
        return len(self._submitted) == len(self._durable)

    def submit(self, batch: Batch) -> None:
        """Submit a batch and the ids decided in it; waits while two others are not durable."""
        self._submitted.append((batch, self._memory.hand_over(batch)))
        self.writer.submit(batch)

    def forget_durable(self) -> None:
        """Let go of the ids of durable batches."""
        while self._durable:
            done = self._durable.popleft()
            batch, ids = self._submitted.popleft()
            assert batch is done, "batches became durable out of order"
            self._memory.forget(ids)

    def _note_durable(self, batch: Batch) -> None:
        self._durable.append(batch)
        self._done(batch)


def batch_of(pending: Iterable[Pending]) -> Batch:
    """A batch of all rows that shards have decided, shard after shard, without heads and source."""
    rows = JournalRows()
    batch = Batch(rows)
    for decided in pending:
        rows.extend(decided.rows.stretches)
        batch.parts += decided.parts
        batch.links += decided.links
        batch.prices += decided.prices
        batch.statements += decided.statements
        batch.days += decided.days
        batch.numbers += decided.numbers
    return batch
