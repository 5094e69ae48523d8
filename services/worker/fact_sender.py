"""The publisher of one shard's facts: from the journal into `PREFIX.facts`, in order, never a gap.

In: the rows of the shard that are durable in Postgres. Out: a message for each fact. It remembers
nothing. Kafka's transactions fence: at a start the producer takes over the shard's transactional
id, which ends whatever an earlier holder had under way, and nothing that one sends later counts;
only then is the last fact in Kafka read, and publishing goes on after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.fact_messages import PublishedFact, expect_partition, last_fact, next_block
from services.broker.producer_stop import stop_producer
from services.broker.topics import ShardPartition
from services.broker.trouble import BrokerTrouble, broker_translated
from services.journal.fact_pieces import FactPiece, facts_after
from services.journal.reader import Reader
from services.settings import Settings
from services.worker.context import PASSING
from services.worker.durable_rows import DurableRows, opened_reader
from services.worker.lag import Lag
from services.worker.metrics import Metrics

_BATCH_BYTES: Final = 256 << 10
_STOP_S: Final = 0.5
_RETRY_S: Final = 1.0
_RETRY_S_MAX: Final = 30.0
# Longer than a commit takes while a broker's partitions move to another.
_STILL_S: Final = 10.0
_WATCH_S: Final = 1.0

_log = logging.getLogger(__name__)


class FactsUnfit(Exception):
    """The facts in Kafka are not those of the journal."""


class FactSender:
    """Publishes the facts of a shard. settings: also the database; durable: what may be read."""

    def __init__(
        self,
        partition: ShardPartition,
        settings: Settings,
        *,
        metrics: Metrics,
        durable: DurableRows,
    ) -> None:
        self._partition = partition
        self._settings = settings
        self._metrics = metrics
        self._durable = durable
        self._seq = -1
        self._lag = Lag()
        self._retry_s = _RETRY_S

    async def run(self) -> None:
        """Publish until cancelled; after trouble begin again after the last fact in Kafka.

        Errors: those of the journal that do not pass.
        """
        shard, metrics = self._partition.shard, self._metrics
        metrics.facts.follow(shard, self._lag)
        watching = asyncio.create_task(self._watch(), name=f"facts of {shard} watched")
        try:
            while True:
                try:
                    await self._publish_on()
                except (*PASSING, BrokerTrouble, FactsUnfit) as trouble:
                    metrics.note_denial(trouble)
                    name = type(trouble).__name__
                    _log.warning("facts wait: %s: %s", name, trouble, extra=self._where())
                await asyncio.sleep(self._retry_s)
                self._retry_s = min(2 * self._retry_s, _RETRY_S_MAX)
        finally:
            watching.cancel()
            metrics.facts.let_go(shard)

    async def _publish_on(self) -> None:
        settings = self._settings
        reader = await opened_reader(str(settings.database))
        try:
            options = producer_options(settings, "publisher") | {
                "transactional_id": f"{self._partition.topic}/{self._partition.shard}",
                "max_batch_size": _BATCH_BYTES,
            }
            producer = await started(lambda: AIOKafkaProducer(**options), settings)
            try:
                await expect_partition(producer.client, self._partition, settings=settings)
                # Not before the producer has started: an earlier holder may still be sending.
                last = await last_fact(settings, self._partition)
                await self._publish_rows(reader, producer, last=last)
            finally:
                await stop_producer(producer, patience_s=_STOP_S)
        finally:
            reader.close()

    async def _publish_rows(
        self, reader: Reader, producer: AIOKafkaProducer, *, last: PublishedFact | None
    ) -> None:
        """Publish all that comes after the last fact, block by block, as it becomes durable."""
        shard = self._partition.shard
        self._seq = -1 if last is None else last.seq
        _log.info("facts go on after row %d", self._seq, extra=self._where())
        pieces = pieces_after(reader, shard, last=last)
        fill = partial(next_block, shard=shard, make=producer.create_batch)
        while True:
            block = await asyncio.to_thread(fill, pieces)
            while block is not None:
                published = block
                # The next block is read and filled meanwhile.
                _, block = await asyncio.gather(
                    self._publish(producer, published.batches), asyncio.to_thread(fill, pieces)
                )
                self._seq, self._retry_s = published.seq, _RETRY_S
                self._lag.durable = published.seq + published.ends_row
            self._lag.durable = self._seq + 1
            await self._durable.await_after(shard, self._seq)
            pieces = facts_after(reader, shard, after=self._seq)

    async def _publish(self, producer: AIOKafkaProducer, batches: Sequence[Any]) -> None:
        """Publish batches in one transaction."""
        if not batches:
            return
        _, topic, number = self._partition
        doing = f"publishing to {self._partition.origin}"
        with broker_translated(doing, self._settings, right="Write"):
            await producer.begin_transaction()
            sent = [await producer.send_batch(batch, topic, partition=number) for batch in batches]
            await asyncio.gather(*sent)
            await producer.commit_transaction()

    async def _watch(self) -> None:
        """Once a second note what is durable, and say if publishing stands still."""
        log_after_s = _STILL_S
        while True:
            now = monotonic()
            end = max(self._durable.last(self._partition.shard), self._seq) + 1
            self._lag.note_end(end, at=now)
            still_s = self._lag.seconds(now)
            if still_s < _STILL_S:
                log_after_s = _STILL_S
            elif still_s > log_after_s:
                rows = self._lag.messages
                text = "facts stand still: %d rows are not published (%.0f s)"
                _log.warning(text, rows, still_s, extra=self._where())
                log_after_s *= 2
            await asyncio.sleep(_WATCH_S)

    def _where(self) -> dict[str, object]:
        return {"shard": self._partition.shard, "seq": self._seq}


def pieces_after(reader: Reader, shard: str, *, last: PublishedFact | None) -> Iterator[FactPiece]:
    """The facts of a shard after the last one in Kafka; that is compared with the journal's.

    Errors: FactsUnfit.
    """
    if last is None:
        yield from facts_after(reader, shard, after=-1)
        return
    is_there = False
    for piece in facts_after(reader, shard, after=last.seq - 1):
        if is_there:
            yield piece
            continue
        facts = piece.facts.split(b"\n")
        if piece.first <= last.position < piece.first + len(facts):
            fact, *later = facts[last.position - piece.first :]
            if fact != last.fact:
                break
            is_there = True
            yield piece._replace(first=last.position + 1, facts=b"\n".join(later))
        elif piece.ends_row:
            break
    if not is_there:
        raise FactsUnfit(_difference(reader, shard, last=last))


def _difference(reader: Reader, shard: str, *, last: PublishedFact) -> str:
    head = reader.heads().get(shard)
    end = -1 if head is None else head.seq
    text = f"Kafka has fact {last.position} of row {last.seq} of {shard} as the last, "
    if end < last.seq:
        return text + (
            f"the journal ends at row {end}: Postgres was set back to an earlier time; facts go on "
            "when workers have decided that row again"
        )
    return text + (
        "and the journal has another there: the topic is of another database, see topic_prefix; "
        "or delete the topic and run `clearing topics create`, and all facts are published anew"
    )
