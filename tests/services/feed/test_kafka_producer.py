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
from services.feed.inboxes import Inboxes
from services.feed.kafka_producer import BATCH_BYTES_MAX, KafkaOutlet, kafka_outlet
from services.feed.stall import Stillness
from services.journal.reader import Reader
from services.settings import Settings


@pytest.fixture
def inboxes(streams: Settings) -> Inboxes:
    """Recorded topics, empty."""
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    with Reader(str(streams.database)) as reader:
        return Inboxes(streams, reader)


Answer = TypeVar("Answer")
Work = Callable[[KafkaOutlet], Coroutine[None, None, Answer]]


def put(inboxes: Inboxes, settings: Settings, work: Work[Answer]) -> Answer:
    """Work with an outlet."""

    async def run() -> Answer:
        stillness = Stillness(lambda _: None, timeout_s=60)
        async with kafka_outlet(inboxes, settings=settings, stillness=stillness) as outlet:
            return await work(outlet)

    return asyncio.run(run())


def inbox_of(inboxes: Inboxes, settings: Settings, shard: str) -> list[ConsumerRecord]:
    """What lies in an inbox."""

    async def read() -> list[ConsumerRecord]:
        inbox, found = inboxes.of(shard), []
        place = TopicPartition(inbox.topic, inbox.partition)
        async with AIOKafkaConsumer(bootstrap_servers=settings.brokers) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                found += (await consumer.getmany(timeout_ms=500)).get(place, [])
        return found

    return asyncio.run(read())


def test_lines_lie_in_order_in_the_inbox_of_their_shard(
    inboxes: Inboxes, streams: Settings
) -> None:
    lines = [b"%d " % number + b"x" * 100 for number in range(20_000)]

    async def work(outlet: KafkaOutlet) -> tuple[int, int]:
        for begin in range(0, len(lines), 7_000):
            await outlet.put("market/SIT", lines[begin : begin + 7_000])
            await outlet.put("member/0", [b"between"])
        await outlet.flush()
        return outlet.last_offset("market/SIT"), outlet.last_offset("member/0")

    assert put(inboxes, streams, work) == (19_999, 2)
    found = inbox_of(inboxes, streams, "market/SIT")
    assert [one.value for one in found] == lines
    assert {(one.key, *one.headers) for one in found} == {(b"market/SIT",)}


def test_a_line_longer_than_a_batch_is_sent_alone(inboxes: Inboxes, streams: Settings) -> None:
    lines = [b"a", b"x" * (2 * BATCH_BYTES_MAX), b"b"]

    async def work(outlet: KafkaOutlet) -> int:
        await outlet.put("control/0", lines)
        mark = await outlet.seal()
        await outlet.flush()
        return outlet.acknowledged - mark

    assert put(inboxes, streams, work) == 0
    assert [one.value for one in inbox_of(inboxes, streams, "control/0")] == lines
    assert inboxes.end_of("control/0") == 3


def test_what_kafka_refuses_ends_the_feed(inboxes: Inboxes, streams: Settings) -> None:
    # Bytes drawn by chance do not become smaller by being packed.
    too_long = Random(1).randbytes(3 << 20)  # noqa: S311 - no secrets

    async def work(outlet: KafkaOutlet) -> None:
        await outlet.put("control/0", [too_long])
        await outlet.flush()

    with pytest.raises(BrokerTrouble, match="sending"):
        put(inboxes, streams, work)


def test_a_shard_without_an_inbox_is_named(inboxes: Inboxes, streams: Settings) -> None:
    async def work(outlet: KafkaOutlet) -> None:
        await outlet.put("market/XYZ", [b"a"])
        await outlet.flush()

    with pytest.raises(TopicsUnfit, match=r"market/XYZ: run `clearing topics create`"):
        put(inboxes, streams, work)
