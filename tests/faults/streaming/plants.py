"""Defects planted in a test build of the worker; the campaign must find each of them.

In: a name. Out: a worker program that is wrong in that way. They show that the faults reach the
places they are meant for and that the checks see what they must.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.broker.topics import ShardPartition
from services.journal.batch import Batch
from services.journal.reader import Reader
from services.journal.writer import Journal
from services.settings import Settings
from services.worker import copy_sender
from services.worker import shard_decider as deciding
from services.worker import shard_supervisor as supervisor
from services.worker.context import WorkerContext
from services.worker.copy_sender import CopySender
from services.worker.offsets import check_offset
from services.worker.overview import Overview
from services.worker.shard_supervisor import ShardSupervisor

Fetch = Callable[[ShardSupervisor, int, int], Awaitable[Sequence[ConsumerRecord]]]

_MOVE_OFFSET: Final = "UPDATE clearing.shard_head SET next_offset = %s WHERE shard = %s"


def plant(name: str) -> None:
    """Change the worker program of this process."""
    PLANTS[name]()


def _position_first() -> None:
    """The position in the stream is committed before the rows are."""
    original = Journal.commit

    def commit(self: Journal, batch: Batch) -> None:
        for head in batch.heads:
            self._connection.execute(_MOVE_OFFSET, [head.next_offset, head.shard])
        original(self, batch)

    setattr(Journal, "commit", commit)  # noqa: B010


def _copies_without_numbers() -> None:
    """A receiver applies every genuine copy it sees, also one it had before.

    So that it sees some, each sender begins with the first, as if no shard had taken any.
    """
    last_copies = copy_sender._last_copies  # noqa: SLF001 - this is what a test build is

    def is_next(*_: object, **__: object) -> bool:
        return True

    def none_yet(reader: Reader, settings: Settings) -> dict[str, int]:
        return dict.fromkeys(last_copies(reader, settings), 0)

    setattr(deciding, "is_next", is_next)  # noqa: B010
    setattr(copy_sender, "_last_copies", none_yet)  # noqa: B010


def _kafkas_offset() -> None:
    """Offsets are committed to Kafka as soon as messages are fetched, and reading goes on there."""
    fetch: Fetch = getattr(ShardSupervisor, "_fetch")  # noqa: B009 - this is what a test build is
    seek = AIOKafkaConsumer.seek
    committed: dict[TopicPartition, int] = {}

    async def fetch_and_commit(
        self: ShardSupervisor, most: int, timeout_ms: int
    ) -> Sequence[ConsumerRecord]:
        records = await fetch(self, most, timeout_ms)
        if records:
            inbox = TopicPartition(self.partition.topic, self.partition.number)
            offsets = {inbox: records[-1].offset + 1}
            await self._context.consumer.commit(offsets)
        return records

    async def check_and_ask(
        context: WorkerContext, partition: ShardPartition, *, next_offset: int
    ) -> None:
        await check_offset(context, partition, next_offset=next_offset)
        topic_partition = TopicPartition(partition.topic, partition.number)
        committed[topic_partition] = await context.consumer.committed(topic_partition) or 0

    def seek_there(self: Any, partition: TopicPartition, offset: int) -> None:  # noqa: ANN401
        seek(self, partition, committed.get(partition, offset))

    setattr(ShardSupervisor, "_fetch", fetch_and_commit)  # noqa: B010
    setattr(supervisor, "check_offset", check_and_ask)  # noqa: B010
    setattr(AIOKafkaConsumer, "seek", seek_there)  # noqa: B010


def _no_copies() -> None:
    """The first copy is never acknowledged, as by a broker that is there and answers nobody."""

    async def deliver(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    setattr(CopySender, "_deliver", deliver)  # noqa: B010


def _silent() -> None:
    """The same, and the page says that all is well."""
    _no_copies()
    setattr(Overview, "is_ready", True)  # noqa: B010


PLANTS: Final[dict[str, Callable[[], None]]] = {
    "position-first": _position_first,
    "copies-without-numbers": _copies_without_numbers,
    "kafkas-offset": _kafkas_offset,
    "no-copies": _no_copies,
    "silent": _silent,
}
