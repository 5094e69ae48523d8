"""Messages through a real broker by our options, for tests: sent by aiokafka, read by aiokafka."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.broker.connecting import consumer_options, producer_options, started
from services.broker.topic_state import topics_admin
from services.settings import Settings

COUNT = 300
LINES = [b'{"type":"advance_clock/1","at":%d}' % at for at in range(COUNT)]


def make_topic(settings: Settings, topic: str) -> None:
    """A topic of one partition, no longer than the test's broker lives."""
    with topics_admin(settings) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
        admin.wait_for_topics([topic])


def lose_topic(settings: Settings, topic: str) -> None:
    """Delete a topic: who knows of it tries for long, since its leader may come back."""
    with topics_admin(settings) as admin:
        admin.delete_topics([topic])


def sent_and_read(settings: Settings, topic: str, *, codec: str | None = "lz4") -> list[bytes]:
    """What a consumer with our options reads of lines that a producer with our options sent."""
    return asyncio.run(_sent_and_read(settings, topic, codec=codec))


def read(settings: Settings, topic: str, *, count: int = COUNT) -> list[bytes]:
    """So many lines from the beginning of a topic."""
    return asyncio.run(_read(settings, topic, count=count))


async def _sent_and_read(settings: Settings, topic: str, *, codec: str | None) -> list[bytes]:
    options = producer_options(settings) | {"compression_type": codec, "linger_ms": 20}
    producer = await started(lambda: AIOKafkaProducer(**options), settings)
    try:
        sent = [await producer.send(topic, line, partition=0) for line in LINES]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return await _read(settings, topic, count=len(LINES))


async def _read(settings: Settings, topic: str, *, count: int) -> list[bytes]:
    options = consumer_options(settings)
    consumer = await started(lambda: AIOKafkaConsumer(**options), settings)
    partition = TopicPartition(topic, 0)
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        lines: list[bytes] = []
        async with asyncio.timeout(30):
            while len(lines) < count:
                records = await consumer.getmany(partition, timeout_ms=200)
                lines += [record.value for record in records.get(partition, [])]
        return lines
    finally:
        await consumer.stop()
