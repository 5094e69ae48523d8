"""Sends lines to Kafka: in order for each shard, acknowledged by all replicas, none twice.

In: lines by shard. Out: messages in the partitions that the journal has recorded as inboxes, keyed
by the shard's name, without headers, in large compressed batches; many are on their way at once.
While no broker answers it waits: an idempotent producer neither loses nor doubles.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.producer_stop import stop_producer
from services.broker.trouble import BrokerTrouble, broker_translated
from services.feed.inboxes import RecordedInboxes
from services.feed.stall import StallTimer
from services.journal.reader import Inbox
from services.settings import Settings

# Kafka takes a mebibyte: a quarter keeps several partitions flowing, and costs a tenth of the time
# that its default of 16 KiB does.
BATCH_BYTES_MAX: Final = 256 << 10
_CHECK_S: Final = 1.0


class LineProducer(Protocol):
    """Sends the lines of a feed to the shards."""

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard, after those that were put before."""
        ...

    async def seal(self) -> int:
        """Send what was put; gives the number of batches so far, to compare with `acknowledged`."""
        ...

    async def flush(self) -> None:
        """Wait until all that was put is acknowledged."""
        ...

    @property
    def acknowledged(self) -> int:
        """The number of leading batches that are acknowledged."""
        ...

    def last_offset(self, shard: str) -> int:
        """The offset of the last line put for a shard; call it after `flush`."""
        ...


class _SentBatch(NamedTuple):
    """A batch that is not acknowledged yet."""

    shard: str
    answer: asyncio.Future[Any]
    lines: int


class KafkaLineProducer:
    """Sends lines to the recorded inboxes."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        inboxes: RecordedInboxes,
        *,
        settings: Settings,
        stall: StallTimer,
    ) -> None:
        self._producer = producer
        self._inboxes = inboxes
        self._settings = settings
        self._stall = stall
        self._filling: dict[str, Any] = {}
        self._sent: deque[_SentBatch] = deque()
        self._batches = 0
        self._offsets: dict[str, int] = {}
        self.acknowledged = 0

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard. Errors: BrokerTrouble of these or any before, Stalled."""
        key = shard.encode()
        batch = self._filling.pop(shard, None) or self._producer.create_batch()
        for line in lines:
            # A batch that is full takes no more; an empty one takes a line of any length.
            while batch.append(key=key, value=line, timestamp=None) is None:
                await self._send(shard, batch)
                batch = self._producer.create_batch()
        self._filling[shard] = batch

    async def seal(self) -> int:
        """Send what was put."""
        filling, self._filling = self._filling, {}
        for shard, batch in filling.items():
            if batch.record_count():
                await self._send(shard, batch)
        return self._batches

    async def flush(self) -> None:
        """Wait until all is acknowledged. Errors: as `put`."""
        await self.seal()
        self._stall.restart()
        while self._sent:
            await asyncio.wait([self._sent[0].answer], timeout=_CHECK_S)
            self._read_answers()
            self._check_stall()

    def last_offset(self, shard: str) -> int:
        """The offset of the last line put for a shard; call it after `flush`."""
        offset = self._offsets[shard]
        if offset < 0:
            msg = f"Kafka has the last lines for {shard} but does not say where: feed them again"
            raise BrokerTrouble(msg)
        return offset

    async def _send(self, shard: str, batch: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        """Hand a batch to aiokafka; waits while an earlier one of its partition is not sent."""
        batch.close()
        inbox = self._inboxes.of(shard)
        self._stall.restart()
        while (answer := await self._try_to_send(inbox, batch)) is None:
            self._check_stall()
        answer.add_done_callback(_retrieve_error)
        self._sent.append(_SentBatch(shard, answer, batch.record_count()))
        self._batches += 1

    async def _try_to_send(
        self,
        inbox: Inbox,
        batch: Any,  # noqa: ANN401 - aiokafka has no types
    ) -> asyncio.Future[Any] | None:
        """The answer to come; None when the producer has no room for the batch yet."""
        self._read_answers()
        sending = self._producer.send_batch(batch, inbox.topic, partition=inbox.partition)
        with broker_translated("sending", self._settings):
            try:
                answer: asyncio.Future[Any] = await asyncio.wait_for(sending, _CHECK_S)
            except TimeoutError:
                return None
            return answer

    def _read_answers(self) -> None:
        """Read the answers that have come, in the order of sending."""
        with broker_translated("sending", self._settings):
            while self._sent and self._sent[0].answer.done():
                shard, answer, lines = self._sent.popleft()
                first = answer.result().offset
                self._offsets[shard] = first + lines - 1 if first >= 0 else first
                self.acknowledged += 1

    def _check_stall(self) -> None:
        awaited = f"{len(self._sent)} batches are not acknowledged by Kafka"
        self._stall.check(self.acknowledged, f"{awaited} at {self._settings.brokers}")


@asynccontextmanager
async def kafka_line_producer(
    inboxes: RecordedInboxes, *, settings: Settings, stall: StallTimer
) -> AsyncIterator[KafkaLineProducer]:
    """A producer, connected inside the context. Errors: BrokerTrouble."""
    options = producer_options(settings, "feed") | {"max_batch_size": BATCH_BYTES_MAX}
    producer = await started(lambda: AIOKafkaProducer(**options), settings)
    try:
        yield KafkaLineProducer(producer, inboxes, settings=settings, stall=stall)
    finally:
        await stop_producer(producer)


def _retrieve_error(answer: asyncio.Future[Any]) -> None:
    """Retrieve the error so that asyncio does not log it; an earlier one has stopped the feed."""
    if not answer.cancelled():
        answer.exception()
