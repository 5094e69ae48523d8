"""The host of the shards, its group and its clock played by the test."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from services.broker.connecting import started
from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.topics import ShardPartition, partition_counts, shard_partitions
from services.settings import Settings, load_settings
from services.shards.routing import CONTROL_SHARD
from services.worker.clock import SessionClock
from services.worker.context import WorkerContext
from services.worker.host import ShardHost, group_consumer
from services.worker.pg_notify import Notices
from settlement.control_books import ControlBooks

DATABASE = "postgresql://nobody@127.0.0.1:1/none"
SETTINGS = load_settings(brokers="kafka.test:9092")


def host() -> ShardHost:
    """A host that has not started."""
    return ShardHost(lambda: None, settings=SETTINGS, database=DATABASE)


async def keeps(kept: ShardHost, partition: ShardPartition) -> None:
    """Let the host have a shard that is loaded, and whose task is done."""
    shard = SimpleNamespace(control=ControlBooks())
    supervisor: Any = SimpleNamespace(
        partition=partition,
        run_now=SimpleNamespace(shard=shard),
        release=lambda: None,
        durable=None,
    )
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    kept._supervisors[TopicPartition(partition.topic, partition.number)] = supervisor, task  # noqa: SLF001


def test_the_clock_ticks_while_shards_come_and_go() -> None:
    ours = shard_partitions()

    class Clock:
        """Kafka takes one shard away and gives another while the time is being sent."""

        told = 0

        async def advance(self, partition: ShardPartition, _: ControlBooks) -> None:
            await kept._release([TopicPartition(partition.topic, partition.number)])  # noqa: SLF001
            await keeps(kept, ours[-1])
            self.told += 1

    kept = host()
    clock = Clock()
    kept.clock = cast("SessionClock", clock)

    async def tick() -> None:
        control = next(partition for partition in ours if partition.shard == CONTROL_SHARD)
        await keeps(kept, control)
        await kept.tick()
        await kept.tick()

    asyncio.run(tick())
    assert clock.told == 1


def test_a_host_that_did_not_come_to_start_can_be_stopped() -> None:
    asyncio.run(host().stop())


def test_a_worker_is_ready_from_assignment_to_revocation_though_it_has_no_shard() -> None:
    async def seen() -> list[bool]:
        one = host()
        consumer: Any = None
        context = WorkerContext(SETTINGS, DATABASE, consumer, one.metrics, Notices(DATABASE))
        one._context = context  # noqa: SLF001
        found = [one.metrics.is_ready]
        await one.on_partitions_assigned([])
        found.append(one.metrics.is_ready)
        await one.on_partitions_revoked([])
        return [*found, one.metrics.is_ready]

    assert asyncio.run(seen()) == [False, True, False]


def test_a_worker_joins_its_group_in_one_step_and_others_stand_still_once(
    streams: Settings,
) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))

    async def generation() -> int:
        consumer = await started(lambda: group_consumer(streams), streams)
        try:
            consumer.subscribe([*partition_counts(streams.topic_prefix)])
            async with asyncio.timeout(60):
                while not consumer.assignment():
                    with suppress(NoOffsetForPartitionError):
                        await consumer.getmany(timeout_ms=50)
            return int(consumer._coordinator.generation)  # noqa: SLF001 - nothing public gives it
        finally:
            await consumer.stop()

    assert asyncio.run(generation()) == 1
