"""Batches on their way to the journal, with the ids that each makes known.

In: batches in order. Out: the same batches durable, written while the next is decided. Ids stay in
memory until their batch is durable; then the journal answers for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from services.hosting.id_memory import Handed, IdMemory
from services.journal.batch import Batch
from services.journal.pipeline import Committing, PipelinedWriter


class CommitQueue:
    """A writer and what it has not made durable yet.

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
        self._handed: deque[tuple[Batch, list[Handed]]] = deque()
        self._durable: deque[Batch] = deque()
        self.writer = PipelinedWriter(journal, self._note_durable)

    @property
    def is_durable(self) -> bool:
        """Whether all that was handed over is durable."""
        return len(self._handed) == len(self._durable)

    def submit(self, batch: Batch) -> None:
        """Hand over a batch and the ids decided in it; waits while two others are not durable."""
        self._handed.append((batch, self._memory.hand_over(batch)))
        self.writer.submit(batch)

    def forget_durable(self) -> None:
        """Let go of the ids for which the journal answers."""
        while self._durable:
            done = self._durable.popleft()
            batch, handed = self._handed.popleft()
            assert batch is done, "batches became durable out of order"
            self._memory.forget(handed)

    def _note_durable(self, batch: Batch) -> None:
        self._durable.append(batch)
        self._done(batch)
