"""A producer ends within some seconds, also when Kafka never takes what it was given."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.producer_stop import stop_producer
from services.settings import Settings
from tests.services.broker.passing import LINES, lose_topic, make_topic, read


def test_what_kafka_does_not_take_is_given_up(streams: Settings) -> None:
    topic = f"{streams.topic_prefix}.control"
    make_topic(streams, topic)

    async def sent() -> None:
        producer = await started(lambda: AIOKafkaProducer(**producer_options(streams)), streams)
        await producer.send_and_wait(topic, b"{}", partition=0)
        # A partition without a leader: sent again and again until there is one.
        await asyncio.to_thread(lose_topic, streams, topic)
        await producer.send(topic, b"{}", partition=0)
        async with asyncio.timeout(5):
            await stop_producer(producer, patience_s=0.5)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(sent())


def test_what_kafka_takes_is_delivered_before_the_end(streams: Settings) -> None:
    topic = f"{streams.topic_prefix}.control"
    make_topic(streams, topic)

    async def sent() -> None:
        options = producer_options(streams) | {"linger_ms": 200}
        producer = await started(lambda: AIOKafkaProducer(**options), streams)
        for line in LINES:
            await producer.send(topic, line, partition=0)
        await stop_producer(producer)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(sent())
    assert read(streams, topic) == LINES


def test_who_is_cancelled_while_a_producer_ends_is_cancelled(streams: Settings) -> None:
    make_topic(streams, f"{streams.topic_prefix}.control")

    async def ended(steps: int, *, patience_s: float) -> bool:
        """Whether it was cancelled after so many steps, or had ended before."""
        producer = await started(lambda: AIOKafkaProducer(**producer_options(streams)), streams)
        ending = asyncio.create_task(stop_producer(producer, patience_s=patience_s))
        for _ in range(steps):
            await asyncio.sleep(0)
        is_over = ending.done()
        ending.cancel()
        await asyncio.wait({ending})
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return is_over or ending.cancelled()

    for patience_s in (0.0, 5.0):
        assert all(asyncio.run(ended(steps, patience_s=patience_s)) for steps in range(1, 30))
