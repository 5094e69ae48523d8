"""The control copier: every control command that stands, into every inbox, in order, numbered.

In: the control journal in Postgres. Out: copy n in the inbox of each market in use and of
`member/0`, n after n-1. It runs where `control/0` lives, remembers nothing, and begins after the
last copy that each shard has in its journal: the receiver ignores copies sent twice. A batch of
copies is one record batch, acknowledged before the next is sent, so none can overtake another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.messages import copy_headers
from services.broker.producer_stop import stop_producer
from services.broker.topics import ShardPartition, shard_partitions
from services.broker.trouble import broker_translated
from services.hosting.restore import number_in_use
from services.journal.reader import NumberedCommand, Reader
from services.settings import Settings
from services.shards.control_commands import put_in_use, standing_command
from services.shards.routing import CONTROL_SHARD, market_shard
from services.worker.context import PASSING, WorkerContext
from services.worker.pg_notify import CONTROL_CHANNEL

ROWS_AT_ONCE: Final = 2_000
BATCH_BYTES: Final = 256 << 10
COPY_RETRY_S: Final = 1.0
COPY_STOP_S: Final = 0.5

_log = logging.getLogger(__name__)


class CopySender:
    """Copies from the control journal while `control/0` is ours."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._last: dict[str, int] = {}

    async def run(self) -> None:
        """Copy until cancelled; after trouble begin again after the last copy of each shard.

        Errors: all but PASSING.
        """
        while True:
            try:
                await self._copy_on()
            except PASSING as trouble:
                # Nothing is lost: missing copies are sent anew from the control journal.
                _log.warning("copies wait: %s", trouble, extra={"shard": CONTROL_SHARD})
                self._context.metrics.note_denial(trouble)
                self._context.metrics.trouble_lasts(CONTROL_SHARD, f"copies wait: {trouble}")
                await asyncio.sleep(COPY_RETRY_S)

    async def _copy_on(self) -> None:
        settings = self._context.settings
        reader = await asyncio.to_thread(Reader, self._context.database)
        try:
            producer = await started(lambda: _producer(settings), settings)
            try:
                self._last = await asyncio.to_thread(_last_copies, reader, settings)
                while True:
                    if not await self._copy_rows(reader, producer):
                        await self._context.notices.wait(CONTROL_CHANNEL)
            finally:
                # The next worker with `control/0` sends anew the copies that were not delivered.
                await stop_producer(producer, patience_s=COPY_STOP_S)
        finally:
            reader.close()

    async def _copy_rows(self, reader: Reader, producer: AIOKafkaProducer) -> bool:
        """Send copies of commands that stand and were not sent; False when there are none."""
        sent = min(self._last.values())
        rows = await asyncio.to_thread(reader.numbered, after=sent, until=sent + ROWS_AT_ONCE)
        for row in rows:
            product = put_in_use(standing_command(row.line))
            if product is not None:
                shard = market_shard(product)
                number = await asyncio.to_thread(number_in_use, reader, shard)
                if number is not None:
                    self._last.setdefault(shard, number)
        for partition in shard_partitions(self._context.settings.topic_prefix):
            if partition.shard in self._last:
                await self._send(producer, partition, rows=rows)
        return bool(rows)

    async def _send(
        self,
        producer: AIOKafkaProducer,
        partition: ShardPartition,
        *,
        rows: Sequence[NumberedCommand],
    ) -> None:
        """Send one shard the copies it has not been sent, batch after batch."""
        batch = producer.create_batch()
        for row in rows:
            if row.number <= self._last[partition.shard]:
                continue
            entry: dict[str, Any] = {
                "timestamp": None,
                "key": partition.shard.encode(),
                "value": row.line,
                "headers": copy_headers(row.number),
            }
            if batch.append(**entry) is None:
                await self._deliver(producer, partition, batch=batch)
                batch = producer.create_batch()
                is_in = batch.append(**entry) is not None
                assert is_in, "a copy is larger than a batch"
            self._last[partition.shard] = row.number
        if batch.record_count():
            await self._deliver(producer, partition, batch=batch)

    async def _deliver(
        self,
        producer: AIOKafkaProducer,
        partition: ShardPartition,
        *,
        batch: Any,  # noqa: ANN401 - aiokafka names no type
    ) -> None:
        settings = self._context.settings
        with broker_translated(f"copying to {partition.origin}", settings, right="Write"):
            batch.close()
            delivered = await producer.send_batch(
                batch, partition.topic, partition=partition.number
            )
            await delivered


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(**producer_options(settings, "copies"), max_batch_size=BATCH_BYTES)


def _last_copies(reader: Reader, settings: Settings) -> dict[str, int]:
    """By shard that is to have copies, the number of the last one in its journal."""
    heads = reader.heads()
    last = {}
    for partition in shard_partitions(settings.topic_prefix):
        if partition.shard == CONTROL_SHARD:
            continue
        head = heads.get(partition.shard)
        number = number_in_use(reader, partition.shard) if head is None else head.control_number
        if number is not None:
            last[partition.shard] = number
    return last
