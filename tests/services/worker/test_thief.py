"""Another consumer with the workers' group id on a real Kafka: it is named, and harms no books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from services.broker.topics import partition_counts, shard_partitions
from services.journal.embedded import EmbeddedServer
from tests.kafka_broker import free_ports
from tests.scraper import alerts, page
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.services.worker.test_worker import says
from tests.streaming_house import StreamingHouse
from tests.twin.generate import written
from tests.waiting import SECONDS_MAX, until


@pytest.fixture
def house(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A clearinghouse on the shared broker."""
    with StreamingHouse(broker, postgres, tmp_path, worker_name="w1") as made:
        yield made


@asynccontextmanager
async def thief(house: StreamingHouse, **options: object) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is no worker, in the workers' group."""
    consumer = AIOKafkaConsumer(
        *partition_counts(house.name),
        bootstrap_servers=house.settings.brokers,
        group_id=house.name,
        client_id="thief",
        auto_offset_reset="latest",
        # Unless it shares as workers do it is not let in.
        **{"partition_assignment_strategy": (StickyPartitionAssignor,)} | options,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def whole(port: int) -> tuple[int, dict[str, dict[str, str]]]:
    """Status of the page of all shards, and what it says of each."""
    status, text = page(port, "readyz/all")
    return status, json.loads(text)["shards"] if text else {}


def holders(port: int) -> set[str]:
    """Who has a shard, by the page."""
    return {shard["holder"].partition(" at ")[0] for shard in whole(port)[1].values()}


def stolen(port: int) -> list[dict[str, str]]:
    """What the page says of shards that a stranger has."""
    return [one for one in whole(port)[1].values() if one["state"] == "held by a stranger"]


async def committed(house: StreamingHouse) -> dict[str, int]:
    """The offsets of the group, by shard, as lag tools read them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=house.settings.brokers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(house.name)
    finally:
        await admin.close()
    shards = {
        TopicPartition(one.topic, one.number): one.shard for one in shard_partitions(house.name)
    }
    return {shards[key]: offset.offset for key, offset in offsets.items()}


def test_shards_that_a_thief_has_are_told_and_come_back(house: StreamingHouse) -> None:
    lines = written(12, 2).lines
    (port,) = free_ports(1)
    worker = house.start_worker(web_port=port)
    until(lambda: whole(port)[0] == 200, "all shards are ready")
    until(lambda: holders(port) == {"clearing-worker-w1"}, "the worker has all of them")

    async def steal() -> None:
        async with thief(house) as consumer:
            await asyncio.to_thread(until, lambda: bool(consumer.assignment()), "it has stolen")
            await asyncio.to_thread(until, lambda: bool(stolen(port)), "the worker says so")
            assert whole(port)[0] == 503
            assert all(one["holder"].startswith("thief at ") for one in stolen(port))
            assert {"ClearingShardNotHeld", "ClearingNotReady"} <= alerts(port)
            # It says that it has read what nobody has cleared.
            await consumer.commit(dict.fromkeys(consumer.assignment(), 99))

    asyncio.run(steal())
    house.feed(lines)
    house.await_durable()
    assert house.day_hashes() == embedded_hashes(lines)
    until(lambda: whole(port)[0] == 200, "all shards are ready again")
    gone = {"ClearingShardNotHeld", "ClearingNotReady", "ClearingShardStands"}
    until(lambda: not alerts(port) & gone, "no alert of it is left")
    assert worker.terminate() == 0
    # The last offsets are those of the journal: ordinary lag tools show no lag.
    heads = {shard: head.next_offset for shard, head in house.heads().items()}
    ours = asyncio.run(committed(house))
    assert {shard: ours[shard] for shard in heads} == heads


def test_a_group_of_others_is_named(house: StreamingHouse) -> None:
    async def meet() -> None:
        from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # noqa: PLC0415

        options = {"partition_assignment_strategy": [RangePartitionAssignor]}
        async with thief(house, **options) as consumer:
            await asyncio.to_thread(until, lambda: bool(consumer.assignment()), "it is there first")
            worker = house.start_worker()
            assert await asyncio.to_thread(worker.process.wait, SECONDS_MAX) == 1
            assert says(worker, f"another consumer is in the group {house.name}")

    asyncio.run(meet())
