"""What a publisher reads: the last durable row of each shard, to wait for the next ones.

In: heads of the journal, read again and again. Out: a task that waits for a row after one it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.journal.reader import Reader


async def opened_reader(url: str) -> Reader:
    """A reader, opened in a thread; closed again if the task is cancelled meanwhile."""
    opening = asyncio.ensure_future(asyncio.to_thread(Reader, url))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait({opening})
        if opening.exception() is None:
            opening.result().close()
        raise


class DurableRows:
    """The last durable row of each shard; -1 while it has none."""

    def __init__(self) -> None:
        self._seqs: Mapping[str, int] = {}
        self._moved = asyncio.Condition()

    async def note(self, seqs: Mapping[str, int]) -> None:
        """Note the last rows that were read."""
        async with self._moved:
            if seqs != self._seqs:
                self._seqs = seqs
                self._moved.notify_all()

    def last(self, shard: str) -> int:
        """The last durable row of a shard."""
        return self._seqs.get(shard, -1)

    async def await_after(self, shard: str, seq: int) -> None:
        """Wait until a shard has a row after this one."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.last(shard) > seq)
