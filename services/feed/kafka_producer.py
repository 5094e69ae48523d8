"""Sends lines to Kafka: in order for each shard, acknowledged by all replicas, none twice.

In: lines by shard. Out: messages in the partitions that the journal has recorded as inboxes, keyed
by the shard's name, without headers, in large compressed batches; many are on their way at once.
While no broker answers it waits: an idempotent producer neither loses nor doubles. The feeds of one
source are one producer, which goes on counting its messages where the feed before ended: a message
that Kafka has already, or that comes in from an ended feed only now, cannot be in a topic twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import OutOfOrderSequenceNumber

from services.broker.connecting import producer_options, started
from services.broker.producer_stop import stop_producer
from services.broker.trouble import BrokerTrouble, broker_translated
from services.feed.inboxes import RecordedInboxes
from services.feed.sent_account import ProducerIdentity, SentAccount
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
    """Sends lines to the recorded inboxes. account: of the source, if it is one to go on with."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        inboxes: RecordedInboxes,
        *,
        settings: Settings,
        stall: StallTimer,
        account: SentAccount | None = None,
    ) -> None:
        self._producer = producer
        self._account = account
        self._inboxes = inboxes
        self._settings = settings
        self._stall = stall
        self._filling: dict[str, Any] = {}
        self._sent: deque[_SentBatch] = deque()
        self._batches = 0
        self._offsets: dict[str, int] = {}
        self.acknowledged = 0

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard. Errors: SourceTrouble, Stalled, BrokerTrouble also of any before."""
        key = shard.encode()
        if self._account is not None:
            lines, delivered = self._account.put(shard, [*lines])
            if delivered is not None:
                self._offsets[shard] = delivered
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
        with broker_translated("sending", self._settings, right="Write"):
            try:
                answer: asyncio.Future[Any] = await asyncio.wait_for(sending, _CHECK_S)
            except TimeoutError:
                return None
            return answer

    def _read_answers(self) -> None:
        """Read the answers that have come, in the order of sending."""
        with broker_translated("sending", self._settings, right="Write"):
            while self._sent and self._sent[0].answer.done():
                shard, answer, lines = self._sent.popleft()
                first = self._first_offset(answer)
                self._offsets[shard] = last = first + lines - 1 if first >= 0 else first
                if self._account is not None:
                    self._account.acknowledge(shard, last)
                self.acknowledged += 1

    def _first_offset(self, answer: asyncio.Future[Any]) -> int:
        """The offset of a batch; below 0 if Kafka has it and does not say where."""
        try:
            first = int(answer.result().offset)
        except OutOfOrderSequenceNumber:
            first = -1
            if self._account is None:
                raise
        if first < 0 and self._account is not None:
            msg = (
                "lines that a feed of this source had sent before it ended came in only now, or "
                "another feed of it runs: feed it again, it goes on behind them"
            )
            raise BrokerTrouble(msg)
        return first

    def _check_stall(self) -> None:
        awaited = f"{len(self._sent)} batches are not acknowledged by Kafka"
        self._stall.check(self.acknowledged, f"{awaited} at {self._settings.brokers}")


@asynccontextmanager
async def kafka_line_producer(
    inboxes: RecordedInboxes,
    *,
    settings: Settings,
    stall: StallTimer,
    account: SentAccount | None = None,
) -> AsyncIterator[KafkaLineProducer]:
    """A producer, connected inside the context. Errors: BrokerTrouble.

    account: of the source; its identity is that of the producer from then on.
    """
    options = producer_options(settings, "feed") | {"max_batch_size": BATCH_BYTES_MAX}

    def make() -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**options)
        if account is not None and account.identity is not None:
            _count_on(producer, inboxes, account=account, identity=account.identity)
        return producer

    producer = await started(make, settings)
    if account is not None:
        counter = producer._txn_manager  # noqa: SLF001 - nothing public says who we are to Kafka
        account.identity = ProducerIdentity(counter.producer_id, counter.producer_epoch)
    try:
        yield KafkaLineProducer(producer, inboxes, settings=settings, stall=stall, account=account)
    finally:
        await stop_producer(producer)


def _count_on(
    producer: AIOKafkaProducer,
    inboxes: RecordedInboxes,
    *,
    account: SentAccount,
    identity: ProducerIdentity,
) -> None:
    """Let a producer that has not started be the one of the feeds before, and count on."""
    counter = producer._txn_manager  # noqa: SLF001 - nothing public goes on with a producer
    counter.set_pid_and_epoch(identity.number, identity.epoch)
    for inbox in inboxes.all:
        partition = TopicPartition(inbox.topic, inbox.partition)
        counter.increment_sequence_number(partition, account.next_sequence(inbox.shard))


def _retrieve_error(answer: asyncio.Future[Any]) -> None:
    """Retrieve the error so that asyncio does not log it; an earlier one has stopped the feed."""
    if not answer.cancelled():
        answer.exception()
