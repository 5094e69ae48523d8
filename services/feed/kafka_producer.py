"""Lines out to Kafka: in order for each shard, acknowledged by all replicas, none twice.

In: lines by shard. Out: messages in the partitions that the journal has recorded as inboxes, keyed
by the shard's name, without headers, in large compressed batches that are not waited for one by
one. A broker that is away is waited for: an idempotent producer neither loses nor doubles.
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
from services.feed.inboxes import Inboxes
from services.feed.stall import Stillness
from services.journal.reader import Inbox
from services.settings import Settings

# Kafka takes a mebibyte: a quarter keeps several partitions flowing, and costs a tenth of the time
# that its default of 16 KiB does.
BATCH_BYTES_MAX: Final = 256 << 10
_LOOK_S: Final = 1.0


class Outlet(Protocol):
    """Where a feed puts lines."""

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard, behind those that were put before."""
        ...

    async def seal(self) -> int:
        """Let go what was put; its mark, for `acknowledged`."""
        ...

    async def flush(self) -> None:
        """Wait until all that was put is acknowledged."""
        ...

    @property
    def acknowledged(self) -> int:
        """The highest mark up to which all is acknowledged."""
        ...

    def last_offset(self, shard: str) -> int:
        """Where the last line put for a shard lies; it is flushed."""
        ...


class _Sent(NamedTuple):
    """A batch on its way."""

    shard: str
    answer: asyncio.Future[Any]
    lines: int


class KafkaOutlet:
    """An outlet to the inboxes that are recorded."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        inboxes: Inboxes,
        *,
        settings: Settings,
        stillness: Stillness,
    ) -> None:
        self._producer = producer
        self._inboxes = inboxes
        self._settings = settings
        self._stillness = stillness
        self._filling: dict[str, Any] = {}
        self._sent: deque[_Sent] = deque()
        self._mark = 0
        self._offsets: dict[str, int] = {}
        self.acknowledged = 0

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard. Errors: BrokerTrouble of these or any before, NothingMoves."""
        key = shard.encode()
        batch = self._filling.pop(shard, None) or self._producer.create_batch()
        for line in lines:
            # A batch that is full takes no more; an empty one takes a line of any length.
            while batch.append(key=key, value=line, timestamp=None) is None:
                await self._send(shard, batch)
                batch = self._producer.create_batch()
        self._filling[shard] = batch

    async def seal(self) -> int:
        """Let go what was put."""
        filling, self._filling = self._filling, {}
        for shard, batch in filling.items():
            if batch.record_count():
                await self._send(shard, batch)
        return self._mark

    async def flush(self) -> None:
        """Wait until all is acknowledged. Errors: as `put`."""
        await self.seal()
        self._stillness.begin()
        while self._sent:
            await asyncio.wait([self._sent[0].answer], timeout=_LOOK_S)
            self._take_answers()
            self._look()

    def last_offset(self, shard: str) -> int:
        """Where the last line put for a shard lies; it is flushed."""
        offset = self._offsets[shard]
        if offset < 0:
            msg = f"Kafka has the last lines for {shard} but does not say where: feed them again"
            raise BrokerTrouble(msg)
        return offset

    async def _send(self, shard: str, batch: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        """Hand over a batch; waits while one before it in its partition is not on its way."""
        batch.close()
        inbox = self._inboxes.of(shard)
        self._stillness.begin()
        while (answer := await self._handed(inbox, batch)) is None:
            self._look()
        answer.add_done_callback(_is_seen)
        self._sent.append(_Sent(shard, answer, batch.record_count()))
        self._mark += 1

    async def _handed(self, inbox: Inbox, batch: Any) -> asyncio.Future[Any] | None:  # noqa: ANN401
        """The answer to come; None when the producer has no room for the batch yet."""
        self._take_answers()
        sending = self._producer.send_batch(batch, inbox.topic, partition=inbox.partition)
        with broker_translated("sending", self._settings):
            try:
                answer: asyncio.Future[Any] = await asyncio.wait_for(sending, _LOOK_S)
            except TimeoutError:
                return None
            return answer

    def _take_answers(self) -> None:
        """Take the answers that are there, in the order of sending."""
        with broker_translated("sending", self._settings):
            while self._sent and self._sent[0].answer.done():
                shard, answer, lines = self._sent.popleft()
                first = answer.result().offset
                self._offsets[shard] = first + lines - 1 if first >= 0 else first
                self.acknowledged += 1

    def _look(self) -> None:
        awaited = f"{len(self._sent)} batches are not acknowledged by Kafka"
        self._stillness.look(self.acknowledged, f"{awaited} at {self._settings.brokers}")


@asynccontextmanager
async def kafka_outlet(
    inboxes: Inboxes, *, settings: Settings, stillness: Stillness
) -> AsyncIterator[KafkaOutlet]:
    """An outlet while its producer runs. Errors: BrokerTrouble."""

    def producer() -> AIOKafkaProducer:
        options = producer_options(settings) | {"max_batch_size": BATCH_BYTES_MAX}
        return AIOKafkaProducer(**options)

    running = await started(producer, settings)
    try:
        yield KafkaOutlet(running, inboxes, settings=settings, stillness=stillness)
    finally:
        await stop_producer(running)


def _is_seen(answer: asyncio.Future[Any]) -> None:
    """An error that nobody asks for any more, because one before it ended the feed, is no news."""
    if not answer.cancelled():
        answer.exception()
