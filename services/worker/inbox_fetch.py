"""The inbox of a shard, as the worker's consumer gives it.

In: a partition that is assigned to the consumer. Out: its messages, in order, from an offset on; or
`TopicDamaged` in words an operator can use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import time
from typing import Final

from aiokafka import TopicPartition

from services.broker.batches import TopicDamaged
from services.broker.messages import BrokenBatch, Message, Record, read_messages
from services.broker.topics import ShardPartition
from services.broker.trouble import REFUSALS, trouble_of
from services.worker.broker_clock import BrokerClock
from services.worker.context import WorkerContext
from services.worker.lasting import Lasting

# So few records, and so short, are read sooner than a thread is woken for them.
_READ_AT_ONCE: Final = 256
_READ_AT_ONCE_BYTES: Final = 1 << 16
# What lies ready was fetched when the messages before were taken: behind so few there is more.
_FEW: Final = 1024
_FRESH_MS: Final = 10

_log = logging.getLogger(__name__)


class InboxFetch:
    """Fetches from one inbox."""

    def __init__(self, context: WorkerContext, partition: ShardPartition) -> None:
        self._consumer = context.consumer
        self._settings = context.settings
        self._partition = partition
        self._topic_partition = TopicPartition(partition.topic, partition.number)
        self._where = {"shard": partition.shard}
        self._damaged_at = -1
        self.clock = BrokerClock()
        self._lasting = Lasting()
        self._empty_ms: float | None = None

    def seek(self, offset: int) -> None:
        """Go on at an offset."""
        self._empty_ms = None
        self._consumer.seek(self._topic_partition, offset)

    async def position(self) -> int:
        """The offset at which it goes on; it also passes the marks of transactions."""
        offset: int = await self._consumer.position(self._topic_partition)
        return offset

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the inbox: polling it gives no messages inside this context."""
        self._consumer.pause(self._topic_partition)
        try:
            yield
        finally:
            self._empty_ms = None
            if self._topic_partition in self._consumer.assignment():
                self._consumer.resume(self._topic_partition)

    async def fetch(self, most: int, timeout_ms: int) -> Sequence[Message]:
        """The next messages, at most so many.

        Errors: TopicDamaged, BrokerRefused, others of aiokafka.
        """
        records = await self._records(most, timeout_ms)
        is_few = len(records) <= _READ_AT_ONCE
        if is_few and sum(len(record.value or b"") for record in records) <= _READ_AT_ONCE_BYTES:
            return read_messages(self._partition.shard, records)
        # In a thread: the hash of a value of a gigabyte would take longer than a heartbeat.
        return await asyncio.to_thread(read_messages, self._partition.shard, records)

    async def _records(self, most: int, timeout_ms: int) -> Sequence[Record]:
        offset = await self.position()
        try:
            records = await self._taken(most, timeout_ms=0)
            if not records:
                records = await self._taken(most, timeout_ms=timeout_ms)
            elif len(records) < min(most, _FEW):
                # What is damaged is found again by the next fetch, behind these records.
                with suppress(TopicDamaged):
                    fresh = await self._taken(most - len(records), timeout_ms=_FRESH_MS)
                    records = [*records, *fresh]
        except TopicDamaged as damage:
            self._look_again(offset, damage)
            return ()
        except REFUSALS as error:
            doing = f"reading {self._partition.origin}"
            raise trouble_of(error, doing, settings=self._settings, right="Read") from error
        self._note_clock(records, offset)
        for record in records:
            if isinstance(record, BrokenBatch):
                _log.warning("refuses a batch: %s", record.refusal.detail, extra=self._where)
        return records

    async def _taken(self, most: int, *, timeout_ms: int) -> Sequence[Record]:
        fetched = await self._consumer.getmany(
            self._topic_partition, timeout_ms=timeout_ms, max_records=most
        )
        records: Sequence[Record] = fetched.get(self._topic_partition, ())
        return records

    def has_more(self, last: Message) -> bool:
        """Whether Kafka had more messages behind one when it answered last."""
        return (self._end() or 0) > last.offset + 1

    def _end(self) -> int | None:
        """The end of the inbox, as Kafka said it last."""
        if self._topic_partition not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.highwater(self._topic_partition)
        return end

    def _note_clock(self, records: Sequence[Record], offset: int) -> None:
        """Compare the broker's clock with ours. offset: the one that was asked for."""
        now_ms = 1000 * time()
        if not records:
            # Behind an open transaction messages may wait that cannot be seen.
            self._empty_ms = now_ms if self._end() == offset else None
            return
        self.clock.note(records[0], records[-1], empty_ms=self._empty_ms, now_ms=now_ms)
        self._empty_ms = None
        if self._lasting.is_to_log(self.clock.seconds(now_ms), now=now_ms / 1000):
            _log.warning("%s", self.clock.text(), extra=self._where)

    def _look_again(self, offset: int, damage: TopicDamaged) -> None:
        """Once, since the bytes may have changed on their way. Errors: TopicDamaged."""
        if offset == self._damaged_at:
            msg = (
                f"{self._partition.shard}: the journal goes on at offset {offset} of "
                f"{self._partition.origin}, and there {damage}: see the disks of the brokers, and "
                "restore the topic from a copy"
            )
            raise TopicDamaged(msg) from damage
        self._damaged_at = offset
        _log.warning("looks again from offset %d on: %s", offset, damage, extra=self._where)
