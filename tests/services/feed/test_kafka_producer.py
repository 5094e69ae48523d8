"""Lines in a real Kafka: in order, keyed, each once, and an error that names what Kafka says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.trouble import BrokerTrouble, TopicsUnfit
from services.feed.inboxes import RecordedInboxes
from services.feed.kafka_producer import BATCH_BYTES_MAX, KafkaLineProducer, kafka_line_producer
from services.feed.stall import StallTimer
from services.journal.reader import Reader
from services.settings import Settings


@pytest.fixture
def inboxes(streams: Settings) -> RecordedInboxes:
    """Recorded topics, empty."""
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    with Reader(str(streams.database)) as reader:
        return RecordedInboxes(streams, reader)


Answer = TypeVar("Answer")
Work = Callable[[KafkaLineProducer], Coroutine[None, None, Answer]]


def put(inboxes: RecordedInboxes, settings: Settings, work: Work[Answer]) -> Answer:
    """Work with a producer."""

    async def run() -> Answer:
        stall = StallTimer(lambda _: None, timeout_s=60)
        async with kafka_line_producer(inboxes, settings=settings, stall=stall) as producer:
            return await work(producer)

    return asyncio.run(run())


def inbox_of(inboxes: RecordedInboxes, settings: Settings, shard: str) -> list[ConsumerRecord]:
    """What lies in an inbox."""

    async def read() -> list[ConsumerRecord]:
        inbox, records = inboxes.of(shard), []
        partition = TopicPartition(inbox.topic, inbox.partition)
        async with AIOKafkaConsumer(bootstrap_servers=settings.brokers) as consumer:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            while await consumer.position(partition) < end:
                records += (await consumer.getmany(timeout_ms=500)).get(partition, [])
        return records

    return asyncio.run(read())


def test_lines_lie_in_order_in_the_inbox_of_their_shard(
    inboxes: RecordedInboxes, streams: Settings
) -> None:
    lines = [b"%d " % number + b"x" * 100 for number in range(20_000)]

    async def work(producer: KafkaLineProducer) -> tuple[int, int]:
        for begin in range(0, len(lines), 7_000):
            await producer.put("market/SIT", lines[begin : begin + 7_000])
            await producer.put("member/0", [b"between"])
        await producer.flush()
        return producer.last_offset("market/SIT"), producer.last_offset("member/0")

    assert put(inboxes, streams, work) == (19_999, 2)
    records = inbox_of(inboxes, streams, "market/SIT")
    assert [record.value for record in records] == lines
    assert {(record.key, *record.headers) for record in records} == {(b"market/SIT",)}


def test_a_line_longer_than_a_batch_is_sent_alone(
    inboxes: RecordedInboxes, streams: Settings
) -> None:
    lines = [b"a", b"x" * (2 * BATCH_BYTES_MAX), b"b"]

    async def work(producer: KafkaLineProducer) -> int:
        await producer.put("control/0", lines)
        batches = await producer.seal()
        await producer.flush()
        return producer.acknowledged - batches

    assert put(inboxes, streams, work) == 0
    records = inbox_of(inboxes, streams, "control/0")
    assert [record.value for record in records] == lines
    assert inboxes.ends()[inboxes.of("control/0")] == 3


def test_what_kafka_refuses_ends_the_feed(inboxes: RecordedInboxes, streams: Settings) -> None:
    # Bytes drawn by chance do not become smaller by being packed.
    too_long = Random(1).randbytes(3 << 20)  # noqa: S311 - no secrets

    async def work(producer: KafkaLineProducer) -> None:
        await producer.put("control/0", [too_long])
        await producer.flush()

    with pytest.raises(BrokerTrouble, match="sending"):
        put(inboxes, streams, work)


def test_a_shard_without_an_inbox_is_named(inboxes: RecordedInboxes, streams: Settings) -> None:
    async def work(producer: KafkaLineProducer) -> None:
        await producer.put("market/XYZ", [b"a"])
        await producer.flush()

    with pytest.raises(TopicsUnfit, match=r"market/XYZ: run `clearing topics create`"):
        put(inboxes, streams, work)
