"""When a worker gives up a shard whose head another process keeps moving.

In: batches that were lost at the fence, and those that became durable. Out: how many were lost in a
row, and whether the worker ends. Law: of workers that lose to one another the one whose batch was
the last to become durable does not end. Of two groups on one database each may lose one shard all
the time and win another: if both ended, nobody would serve any.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

LOSSES_MAX: Final = 5


class LastDurable:
    """When the last batch of a worker became durable, of whichever shard. at: by a steady clock."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.at = clock()

    def note(self) -> None:
        """A batch is durable. May be called on any thread."""
        self.at = self._clock()


class FenceLosses:
    """The batches that a shard has lost in a row."""

    def __init__(self, worker: LastDurable) -> None:
        """worker: of all its shards."""
        self._worker = worker
        self._count = 0
        self._fruitless = 0
        self._durable_at = worker.at

    @property
    def are_hopeless(self) -> bool:
        """True if it lost the most there may be, and no batch of the worker got through between."""
        return self._fruitless >= LOSSES_MAX

    def won(self) -> None:
        """A batch of the shard is durable. May be called on any thread."""
        self._count = 0
        self._worker.note()

    def lost(self) -> int:
        """Another process moved the head. Gives how often in a row it did, at most `LOSSES_MAX`."""
        if self._worker.at != self._durable_at:
            self._durable_at, self._fruitless = self._worker.at, 0
        self._fruitless += 1
        self._count += 1
        return min(self._count, LOSSES_MAX)
