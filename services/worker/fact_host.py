"""The host of the publisher: the facts of all shards, by one process at a time.

In: the journal, whichever workers write it. Out: a sender for each shard while this process has the
publisher's lock in Postgres; without it, it stands by. The lock only spares work: that no two
publish the same is up to Kafka (`fact_sender.py`). It is a process of its own since publishing
takes the interpreter a third as long as clearing does: in a worker it would slow the shard by that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, LiteralString

from services.broker.topics import fact_partitions
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.settings import Settings
from services.worker.context import PASSING
from services.worker.durable_rows import DurableRows, opened_reader
from services.worker.fact_sender import FactSender
from services.worker.metrics import Metrics

_POLL_S: Final = 0.1
_LOCK_POLL_S: Final = 1.0
_RETRY_S: Final = 1.0
# Any number of our own, beside that of the writer lock.
_LOCK: Final = 0x66616374
_TRY: Final[LiteralString] = "SELECT pg_try_advisory_lock(%s)"
# Postgres ends the connection of a process that stands still, and its lock with it.
_STILL: Final[LiteralString] = "SET idle_session_timeout = '10s'"

_log = logging.getLogger(__name__)


class FactHost:
    """Publishes the facts of all shards, or stands by while another process does."""

    def __init__(self, on_failure: Callable[[], None], *, settings: Settings) -> None:
        self._on_failure = on_failure
        self._settings = settings
        self._running: asyncio.Task[None] | None = None
        # Who clears which shard is for workers to tell.
        self.metrics = Metrics(shards=())
        self.failure: BaseException | None = None

    async def start(self) -> None:
        """Begin to publish, or to stand by."""
        self._running = asyncio.create_task(self._run(), name="facts")
        self._running.add_done_callback(self._check_failure)
        self.metrics.is_in_group = True

    async def stop(self) -> None:
        """End; what was under way is published by the next that begins."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    async def tick(self) -> None:
        """Do nothing: the clock is the workers'."""

    async def _run(self) -> None:
        """Publish until cancelled. Errors: those that do not pass."""
        while True:
            try:
                await self._publish()
            except* PASSING as troubles:
                for trouble in troubles.exceptions:
                    self.metrics.note_denial(trouble)
                    _log.warning("facts wait: %s: %s", type(trouble).__name__, trouble)
            await asyncio.sleep(_RETRY_S)

    async def _publish(self) -> None:
        """Publish while the lock is ours; it is when the connection of this reader has it."""
        reader = await opened_reader(str(self._settings.database))
        try:
            await self._take_lock(reader)
            durable = DurableRows()
            async with asyncio.TaskGroup() as group:
                for partition in fact_partitions(self._settings.topic_prefix):
                    sender = FactSender(
                        partition, self._settings, metrics=self.metrics, durable=durable
                    )
                    group.create_task(sender.run(), name=f"facts of {partition.shard}")
                group.create_task(_follow(reader, durable))
        finally:
            reader.close()

    async def _take_lock(self, reader: Reader) -> None:
        is_told = False
        while not await asyncio.to_thread(_try_lock, reader):
            if not is_told:
                _log.info("stands by: another process publishes facts")
                is_told = True
            await asyncio.sleep(_LOCK_POLL_S)

    def _check_failure(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None:
            self.failure = error
            _log.critical("%s: %s", type(error).__name__, error)
            self._on_failure()


def _try_lock(reader: Reader) -> bool:
    with translated("taking the publisher's lock"):
        reader.connection.execute(_STILL)
        return reader.connection.execute(_TRY, [_LOCK]).fetchone() == (True,)


async def _follow(reader: Reader, durable: DurableRows) -> None:
    """Read the heads again and again, until the connection breaks."""
    while True:
        heads = await asyncio.to_thread(reader.heads)
        await durable.note({shard: head.seq for shard, head in heads.items()})
        await asyncio.sleep(_POLL_S)
