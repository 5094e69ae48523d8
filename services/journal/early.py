"""Rows of a batch that are written while the rest of it is still decided.

In: rows, put by the thread that decides. Out: the same rows to the thread that writes, in one
transaction with the rest of their batch. Law: nothing of them is durable before the batch is whole
and committed; a batch that never becomes whole is rolled back.
"""

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any

from services.journal.tables import Table

# A table and some rows of it, which are packed at once.
Piece = tuple[Table, Sequence[Sequence[Any]]]


class Abandoned(Exception):
    """The rest of the batch will never come."""


class EarlyRows:
    """Rows on their way from the thread that decides to the one that writes.

    heads: by shard the last row in the journal, which the writer holds from the first piece on;
    shards that are not there yet are not among them.
    """

    def __init__(self, heads: dict[str, int]) -> None:
        self.heads = heads
        self._waiting: SimpleQueue[Piece | None] = SimpleQueue()
        self._is_whole = False

    def put(self, table: Table, rows: Sequence[Sequence[Any]], *, at_once: int) -> None:
        """Some more, so many packed at once; never waits."""
        for first in range(0, len(rows), at_once):
            self._waiting.put((table, rows[first : first + at_once]))

    def end(self) -> None:
        """There are no more, and the rest of the batch is there."""
        self._is_whole = True
        self._waiting.put(None)

    def abandon(self) -> None:
        """The rest of the batch will never come: nothing of it may become durable."""
        self._waiting.put(None)

    def __iter__(self) -> Iterator[Piece]:
        """The pieces as they come, until the end. Errors: Abandoned."""
        while (piece := self._waiting.get()) is not None:
            yield piece
        if not self._is_whole:
            message = "the rest of the batch never came"
            raise Abandoned(message)
